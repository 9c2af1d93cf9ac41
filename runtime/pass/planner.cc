#include <algorithm>
#include <optional>
#include <tuple>

#include "runtime/pass/plan.h"

namespace fathom {
namespace {

constexpr int kAttentionThirds = 1;  // of a layer's GEMM work: Q, K, V and O
constexpr int kFfnThirds = 2;

// Consecutive rows of the packed block: the trunk of a text, or one of its branches.
struct Block {
  int32_t text = 0;
  int32_t adapter = PlanTask::kNoAdapter;  // kNoAdapter: the trunk
  Fork fork;                               // of a branch
  const AdapterLayout* layout = nullptr;   // of a branch
  Reads reads = Reads::kCls;               // of the last state, by all its readers together
  int32_t first_row = 0;
  int32_t rows = 0;

  bool is_trunk() const { return layout == nullptr; }
};

void AddReader(Reads& all, Reads one) {
  if (one == Reads::kAllRows) all = Reads::kAllRows;
}

// What a text needs. Tasks that run the same modules share a branch: same adapter and same fork.
// first_row and rows are not used here.
struct TextBlocks {
  Block trunk;
  Reads reads_after_attention = Reads::kCls;  // of the trunk in the last layer's FFN stage
  std::vector<Block> branches;
  std::vector<std::optional<size_t>> branch;  // of each task; nothing: the trunk's last state
  std::optional<Fork> trunk_end;              // where the trunk retires; nothing: never
};

TextBlocks FindBlocks(int32_t text, const PlanText& plan_text, int layers) {
  TextBlocks found{.trunk = {.text = text}};
  bool trunk_is_read = false;
  for (const PlanTask& task : plan_text.tasks) {
    const std::optional<Fork> fork =
        task.layout == nullptr ? std::nullopt : FindFork(*task.layout, task.skip_layers);
    // What forks in the last layer reads the trunk's rows there, up to its place.
    if (!fork || fork->layer == layers - 1) {
      AddReader(found.trunk.reads, task.reads);
      if (!fork || fork->place == Place::kFfn) {
        AddReader(found.reads_after_attention, task.reads);
      }
    }
    if (!fork) {
      trunk_is_read = true;
      found.branch.emplace_back(std::nullopt);
      continue;
    }
    auto same = std::find_if(found.branches.begin(), found.branches.end(), [&](const Block& b) {
      return b.adapter == task.adapter && b.fork == *fork;
    });
    found.branch.emplace_back(same - found.branches.begin());
    if (same == found.branches.end()) {
      found.branches.push_back(
          {.text = text, .adapter = task.adapter, .fork = *fork, .layout = task.layout});
      same = std::prev(found.branches.end());
    }
    AddReader(same->reads, task.reads);
    found.trunk_end = std::max(found.trunk_end.value_or(*fork), *fork);
  }
  if (trunk_is_read) found.trunk_end.reset();
  return found;
}

// Builds one stage after another, from the blocks of rows that enter it to those that leave it.
class PassPlanner {
 public:
  PassPlanner(int layers, absl::Span<const PlanText> texts) : layers_(layers), texts_(texts) {}

  PassPlan Plan() {
    StartTrunks();
    for (int layer = 0; layer < layers_; ++layer) {
      AddStage({layer, Place::kAttention}, kAttentionThirds);
      AddStage({layer, Place::kFfn}, kFfnThirds);
    }
    FindOutputs();
    CountWork();
    return std::move(plan_);
  }

 private:
  void StartTrunks() {
    run_thirds_.resize(texts_.size());
    for (size_t text = 0; text < texts_.size(); ++text) {
      needs_.push_back(FindBlocks(static_cast<int32_t>(text), texts_[text], layers_));
      plan_.text_tokens.push_back(texts_[text].tokens);
      blocks_.push_back(needs_.back().trunk);
      blocks_.back().first_row = rows_;
      blocks_.back().rows = texts_[text].tokens;
      rows_ += texts_[text].tokens;
    }
    plan_.max_rows = rows_;
  }

  // Whether a block is its [CLS] row alone once it has passed the attention of `layer`. The order
  // of the first layer's rows is that of the texts, so an encoder of one layer computes all rows.
  bool IsClsOnly(const Block& block, int layer) const {
    return block.reads == Reads::kCls && layer == layers_ - 1 && layers_ > 1;
  }

  void AddStage(Fork here, int thirds) {
    Stage stage{.layer = here.layer, .place = here.place, .rows_in = rows_, .rows_full = rows_};
    if (here.place == Place::kAttention) AddAttention(stage);
    for (const Block& block : blocks_) {
      const bool one_row = IsClsOnly(block, here.layer);
      run_thirds_[static_cast<size_t>(block.text)] += int64_t{thirds} * (one_row ? 1 : block.rows);
    }
    MoveBlocks(here, stage);
    plan_.max_rows = std::max(plan_.max_rows, rows_);
    plan_.stages.push_back(std::move(stage));
  }

  void AddAttention(Stage& stage) {
    for (const Block& block : blocks_) {
      const bool cls_only = IsClsOnly(block, stage.layer);
      (cls_only ? stage.cls_attention : stage.attention).push_back({block.first_row, block.rows});
      if (cls_only) stage.rows_full -= block.rows;
    }
  }

  // What a block brings to the epilogue: where its dense output and its residual are.
  struct Source {
    Block block;  // first_row and rows are of the stage's input
    int32_t dense_first = 0;
  };

  // The stage's epilogue: trunks go on or retire, branches go on, forks begin.
  void MoveBlocks(Fork here, Stage& stage) {
    std::vector<Source> moved;
    int32_t next_cls_row = stage.rows_full;
    for (const Block& block : blocks_) {
      const bool cls_only = here.place == Place::kAttention && IsClsOnly(block, here.layer);
      const int32_t dense_first = cls_only ? next_cls_row++ : block.first_row;
      if (!block.is_trunk()) {
        moved.push_back({block, dense_first});
        continue;
      }
      const TextBlocks& need = needs_[static_cast<size_t>(block.text)];
      if (!need.trunk_end || here < *need.trunk_end) {
        moved.push_back({block, dense_first});
        if (here == Fork{layers_ - 1, Place::kAttention}) {
          moved.back().block.reads = need.reads_after_attention;
        }
      }
      for (Block branch : need.branches) {
        if (branch.fork != here) continue;
        branch.first_row = block.first_row;
        branch.rows = block.rows;
        moved.push_back({branch, dense_first});
      }
    }
    SortForNext(here, moved);
    Deal(here, moved, stage);
  }

  // The order of a packed block: trunks first, then the branches by adapter, so that the rows of
  // one adapter are one segment whatever the texts they belong to. Into and through the last layer,
  // blocks of which all rows are computed stand before the others.
  void SortForNext(Fork here, std::vector<Source>& moved) const {
    const int next_layer =
        std::min(here.place == Place::kAttention ? here.layer : here.layer + 1, layers_ - 1);
    const auto key = [&](const Block& block) {
      return std::tuple(IsClsOnly(block, next_layer), block.adapter, block.text, block.fork);
    };
    std::sort(moved.begin(), moved.end(),
              [&](const Source& a, const Source& b) { return key(a.block) < key(b.block); });
  }

  // Deals out the rows of the next stage in the order of `moved`.
  void Deal(Fork here, const std::vector<Source>& moved, Stage& stage) {
    rows_ = 0;
    blocks_.clear();
    for (const Source& source : moved) {
      Block block = source.block;
      const bool adapts = !block.is_trunk() && block.layout->HasModule(here.layer, here.place);
      if (IsClsOnly(block, here.layer)) block.rows = 1;
      AddSegment({.src_first = source.dense_first,
                  .residual_first = block.first_row,
                  .dst_first = rows_,
                  .count = block.rows,
                  .adapter = adapts ? block.adapter : PlanTask::kNoAdapter},
                 stage.epilogue);
      block.first_row = rows_;
      rows_ += block.rows;
      blocks_.push_back(block);
    }
    std::stable_sort(
        stage.epilogue.begin(), stage.epilogue.end(),
        [](const EpilogueSegment& a, const EpilogueSegment& b) { return a.adapter < b.adapter; });
    stage.rows_out = rows_;
  }

  // Joins a segment to the one before it where all its ends continue that one.
  static void AddSegment(const EpilogueSegment& next, std::vector<EpilogueSegment>& segments) {
    if (!segments.empty()) {
      EpilogueSegment& last = segments.back();
      if (last.adapter == next.adapter && last.src_first + last.count == next.src_first &&
          last.residual_first + last.count == next.residual_first &&
          last.dst_first + last.count == next.dst_first) {
        last.count += next.count;
        return;
      }
    }
    segments.push_back(next);
  }

  void FindOutputs() {
    const auto before = [](const Block& a, const Block& b) {
      return std::tie(a.text, a.adapter, a.fork) < std::tie(b.text, b.adapter, b.fork);
    };
    std::vector<Block> blocks = blocks_;
    std::sort(blocks.begin(), blocks.end(), before);
    for (size_t text = 0; text < texts_.size(); ++text) {
      const TextBlocks& need = needs_[text];
      for (size_t task = 0; task < texts_[text].tasks.size(); ++task) {
        const Block& wanted = need.branch[task] ? need.branches[*need.branch[task]] : need.trunk;
        const auto found = std::lower_bound(blocks.begin(), blocks.end(), wanted, before);
        plan_.outputs.push_back({.text = static_cast<int32_t>(text),
                                 .task = static_cast<int32_t>(task),
                                 .rows = {found->first_row, found->rows}});
      }
    }
  }

  void CountWork() {
    for (size_t text = 0; text < texts_.size(); ++text) {
      const double tokens = texts_[text].tokens;
      Work work{.row_layers_run = static_cast<double>(run_thirds_[text]) / 3};
      for (const PlanTask& task : texts_[text].tasks) {
        const bool one_row = IsClsOnly({.reads = task.reads}, layers_ - 1);
        work.row_layers_shared += (layers_ - 1) * tokens + (one_row ? 1 : tokens);
        if (task.layout != nullptr) work.row_layers_skipped += task.skip_layers * tokens;
      }
      work.row_layers_shared -= work.row_layers_run;
      plan_.work.push_back(work);
    }
  }

  const int layers_;
  const absl::Span<const PlanText> texts_;
  std::vector<TextBlocks> needs_;    // [texts]
  std::vector<Block> blocks_;        // the rows that enter the next stage, in their order
  std::vector<int64_t> run_thirds_;  // [texts]
  int32_t rows_ = 0;
  PassPlan plan_;
};

}  // namespace

Work& Work::operator+=(const Work& other) {
  row_layers_run += other.row_layers_run;
  row_layers_shared += other.row_layers_shared;
  row_layers_cached += other.row_layers_cached;
  row_layers_skipped += other.row_layers_skipped;
  return *this;
}

PassPlan PlanPass(int layers, absl::Span<const PlanText> texts) {
  return PassPlanner(layers, texts).Plan();
}

}  // namespace fathom
