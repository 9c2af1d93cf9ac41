#include <algorithm>
#include <tuple>
#include <utility>

#include "runtime/pass/plan.h"
#include "runtime/pass/text_needs.h"

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
  Reads reads = Reads::kCls;               // of the last state
  int32_t first_row = 0;
  int32_t rows = 0;

  bool is_trunk() const { return layout == nullptr; }
};

// What a block brings to the epilogue: where its dense output and its residual are.
struct Source {
  Block block;  // first_row: its residual, in the stage's input or the tap block
  int32_t dense_first = 0;
  bool from_tap = false;
};

bool BeforeInBlock(const EpilogueSegment& a, const EpilogueSegment& b) {
  return std::tie(a.adapter, a.dst_first) < std::tie(b.adapter, b.dst_first);
}

// Joins a segment to the one before it where all its ends continue that one.
void AddSegment(const EpilogueSegment& next, std::vector<EpilogueSegment>& segments) {
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

void Clear(Stage& stage) {
  stage.attention.clear();
  stage.cls_attention.clear();
  stage.epilogue.clear();
  stage.tap_epilogue.clear();
  stage.loads.clear();
  stage.stores.clear();
}

}  // namespace

// Builds one stage after another, from the blocks of rows that enter it to those that leave it.
class Planner::Impl {
 public:
  explicit Impl(int layers) : layers_(layers), needs_(layers), one_text_(layers) {
    plan_.stages.resize(static_cast<size_t>(2 * layers));
  }

  const PassPlan& Plan(absl::Span<const PlanText> texts) {
    texts_ = texts;
    StartTrunks();
    for (int layer = 0; layer < layers_; ++layer) {
      AddStage({layer, Place::kAttention}, kAttentionThirds);
      AddStage({layer, Place::kFfn}, kFfnThirds);
    }
    FindOutputs();
    CountWork();
    return plan_;
  }

  TrunkLayers FindTrunkLayers(const PlanText& text) {
    one_text_.Clear();
    one_text_.Add(text);
    TrunkLayers found;
    for (int layer = layers_ - 1; layer >= 0; --layer) {
      const bool runs = one_text_.TrunkRuns(0, StageIndex({layer, Place::kFfn}));
      const bool found_some = found.last >= found.first;
      if (!runs && found_some) break;
      if (!runs) continue;
      found.first = layer;
      if (!found_some) found.last = layer;
    }
    const Reads last_reads = one_text_.TrunkReads(0, StageIndex({layers_ - 1, Place::kFfn}));
    found.cls_only_at_end = layers_ > 1 && last_reads == Reads::kCls;
    return found;
  }

 private:
  void StartTrunks() {
    needs_.Clear();
    blocks_.clear();
    plan_.text_tokens.clear();
    plan_.embedded.clear();
    plan_.max_tap_rows = 0;
    run_thirds_.assign(texts_.size(), 0);
    cached_thirds_.assign(texts_.size(), 0);
    rows_ = 0;
    for (size_t text = 0; text < texts_.size(); ++text) {
      needs_.Add(texts_[text]);
      plan_.text_tokens.push_back(texts_[text].tokens);
      if (!needs_.TrunkRuns(text, 0)) continue;
      plan_.embedded.push_back(static_cast<int32_t>(text));
      Block trunk = Trunk(text, 0);
      trunk.first_row = rows_;
      rows_ += trunk.rows;
      blocks_.push_back(trunk);
    }
    plan_.max_rows = rows_;
  }

  // The trunk at a stage; its first row is not known here.
  Block Trunk(size_t text, int stage) const {
    return {.text = static_cast<int32_t>(text),
            .reads = needs_.TrunkReads(text, stage),
            .rows = texts_[text].tokens};
  }

  // Whether a block is its [CLS] row alone once it has passed the attention of `layer`. The order
  // of the first layer's rows is that of the texts, so an encoder of one layer computes all rows.
  bool IsClsOnly(const Block& block, int layer) const {
    return block.reads == Reads::kCls && layer == layers_ - 1 && layers_ > 1;
  }

  void AddStage(Fork here, int thirds) {
    Stage& stage = plan_.stages[static_cast<size_t>(StageIndex(here))];
    Clear(stage);
    stage.layer = here.layer;
    stage.place = here.place;
    stage.rows_in = stage.rows_full = rows_;
    if (here.place == Place::kAttention) AddAttention(stage);
    stage.rows_branch = 0;
    CountRows(here, thirds, stage);
    MoveBlocks(here, stage);
    plan_.max_rows = std::max(plan_.max_rows, rows_);
  }

  void CountRows(Fork here, int thirds, Stage& stage) {
    for (const Block& block : blocks_) {
      if (!block.is_trunk()) stage.rows_branch += block.rows;
      const int64_t rows = IsClsOnly(block, here.layer) ? 1 : block.rows;
      run_thirds_[static_cast<size_t>(block.text)] += thirds * rows;
    }
    const int index = StageIndex(here);
    for (size_t text = 0; text < texts_.size(); ++text) {
      if (needs_.TrunkRuns(text, index) || !needs_.TrunkRunsWithoutTaps(text, index)) continue;
      const Block trunk = Trunk(text, index);
      cached_thirds_[text] += thirds * (IsClsOnly(trunk, here.layer) ? 1 : trunk.rows);
    }
  }

  void AddAttention(Stage& stage) {
    for (const Block& block : blocks_) {
      const bool cls_only = IsClsOnly(block, stage.layer);
      (cls_only ? stage.cls_attention : stage.attention).push_back({block.first_row, block.rows});
      if (cls_only) stage.rows_full -= block.rows;
    }
  }

  // The stage's epilogue: trunks go on or retire, branches go on, forks begin.
  void MoveBlocks(Fork here, Stage& stage) {
    moved_.clear();
    int32_t next_cls_row = stage.rows_full;
    for (const Block& block : blocks_) {
      const bool cls_only = here.place == Place::kAttention && IsClsOnly(block, here.layer);
      const Source source{.block = block,
                          .dense_first = cls_only ? next_cls_row++ : block.first_row};
      if (block.is_trunk()) {
        MoveTrunk(here, source);
      } else {
        moved_.push_back(source);
      }
    }
    if (here.place == Place::kFfn) {
      KeepTaps(here.layer, stage);
      LoadTaps(here, stage);
    }
    SortForNext(here);
    Deal(here, stage);
  }

  void MoveTrunk(Fork here, const Source& trunk) {
    const auto text = static_cast<size_t>(trunk.block.text);
    const int next = StageIndex(here) + 1;
    if (needs_.TrunkRuns(text, next)) {
      moved_.push_back(trunk);
      moved_.back().block.reads = needs_.TrunkReads(text, next);
    }
    for (const Branch& branch : needs_.branches(text)) {
      if (branch.fork != here) continue;
      moved_.push_back(trunk);
      Block& block = moved_.back().block;
      block.adapter = branch.adapter;
      block.fork = branch.fork;
      block.layout = branch.layout;
      block.reads = branch.reads;
    }
  }

  void KeepTaps(int layer, Stage& stage) const {
    for (const Block& block : blocks_) {
      const std::optional<TapPoint>& keep = texts_[static_cast<size_t>(block.text)].keep;
      if (!block.is_trunk() || !keep || keep->layer != layer) continue;
      if (block.rows == 1 && block.rows < texts_[static_cast<size_t>(block.text)].tokens &&
          !fathom::IsClsOnly(keep->form)) {
        continue;  // all rows are wanted, one was computed
      }
      stage.stores.push_back(
          {.text = block.text,
           .tap = *keep,
           .rows = {block.first_row, fathom::IsClsOnly(keep->form) ? 1 : block.rows}});
    }
  }

  void LoadTaps(Fork here, Stage& stage) {
    int32_t tap_rows = 0;
    for (size_t text = 0; text < texts_.size(); ++text) {
      const std::optional<int32_t> tap = needs_.TapAt(text, StageIndex(here));
      if (!tap) continue;
      Block trunk = Trunk(text, StageIndex(here));
      if (IsClsOnly(trunk, here.layer)) trunk.rows = 1;
      trunk.first_row = tap_rows;
      tap_rows += trunk.rows;
      stage.loads.push_back(
          {.text = trunk.text, .tap = *tap, .rows = {trunk.first_row, trunk.rows}});
      MoveTrunk(here, {.block = trunk, .dense_first = trunk.first_row, .from_tap = true});
    }
    plan_.max_tap_rows = std::max(plan_.max_tap_rows, tap_rows);
  }

  // The order of a packed block: trunks first, then the branches by adapter, so that the rows of
  // one adapter are one segment whatever the texts they belong to. Into and through the last layer,
  // blocks of which all rows are computed stand before the others.
  void SortForNext(Fork here) {
    const int next_layer =
        std::min(here.place == Place::kAttention ? here.layer : here.layer + 1, layers_ - 1);
    const auto key = [&](const Block& block) {
      return std::tuple(IsClsOnly(block, next_layer), block.adapter, block.text, block.fork);
    };
    std::sort(moved_.begin(), moved_.end(),
              [&](const Source& a, const Source& b) { return key(a.block) < key(b.block); });
  }

  // Deals out the rows of the next stage in the order of moved_.
  void Deal(Fork here, Stage& stage) {
    rows_ = 0;
    blocks_.clear();
    for (const Source& source : moved_) {
      Block block = source.block;
      const bool adapts = !block.is_trunk() && block.layout->HasModule(here.layer, here.place);
      if (IsClsOnly(block, here.layer)) block.rows = 1;
      AddSegment({.src_first = source.dense_first,
                  .residual_first = block.first_row,
                  .dst_first = rows_,
                  .count = block.rows,
                  .adapter = adapts ? block.adapter : PlanTask::kNoAdapter},
                 source.from_tap ? stage.tap_epilogue : stage.epilogue);
      block.first_row = rows_;
      rows_ += block.rows;
      blocks_.push_back(block);
    }
    std::sort(stage.epilogue.begin(), stage.epilogue.end(), BeforeInBlock);
    std::sort(stage.tap_epilogue.begin(), stage.tap_epilogue.end(), BeforeInBlock);
    stage.rows_out = rows_;
  }

  void FindOutputs() {
    const auto before = [](const Block& a, const Block& b) {
      return std::tie(a.text, a.adapter, a.fork) < std::tie(b.text, b.adapter, b.fork);
    };
    std::sort(blocks_.begin(), blocks_.end(), before);
    plan_.outputs.clear();
    for (size_t text = 0; text < texts_.size(); ++text) {
      for (size_t task = 0; task < texts_[text].tasks.size(); ++task) {
        Block wanted{.text = static_cast<int32_t>(text)};
        int trunk_end = 2 * layers_;
        if (const std::optional<size_t> index = needs_.BranchOf(text, task)) {
          const Branch& branch = needs_.branches(text)[*index];
          wanted.adapter = branch.adapter;
          wanted.fork = branch.fork;
          trunk_end = StageIndex(branch.fork);
        }
        const auto found = std::lower_bound(blocks_.begin(), blocks_.end(), wanted, before);
        plan_.outputs.push_back({.text = static_cast<int32_t>(text),
                                 .task = static_cast<int32_t>(task),
                                 .rows = {found->first_row, found->rows},
                                 .cached_layers = needs_.CachedLayers(text, trunk_end)});
      }
    }
  }

  void CountWork() {
    plan_.work.clear();
    for (size_t text = 0; text < texts_.size(); ++text) {
      const double tokens = texts_[text].tokens;
      Work work{.row_layers_run = static_cast<double>(run_thirds_[text]) / 3,
                .row_layers_cached = static_cast<double>(cached_thirds_[text]) / 3};
      for (const PlanTask& task : texts_[text].tasks) {
        work.row_layers_shared += RowLayersAlone(layers_, texts_[text].tokens, task.reads);
        if (task.layout != nullptr) work.row_layers_skipped += task.skip_layers * tokens;
      }
      work.row_layers_shared -= work.row_layers_run + work.row_layers_cached;
      plan_.work.push_back(work);
    }
  }

  const int layers_;
  absl::Span<const PlanText> texts_;
  TextNeeds needs_;
  TextNeeds one_text_;                  // of FindTrunkLayers
  std::vector<Block> blocks_;           // the rows that enter the next stage, in their order
  std::vector<Source> moved_;           // and what they come from
  std::vector<int64_t> run_thirds_;     // [texts]
  std::vector<int64_t> cached_thirds_;  // [texts]
  int32_t rows_ = 0;
  PassPlan plan_;
};

Planner::Planner(int layers) : impl_(std::make_unique<Impl>(layers)) {}
Planner::~Planner() = default;
Planner::Planner(Planner&&) noexcept = default;
Planner& Planner::operator=(Planner&&) noexcept = default;

const PassPlan& Planner::Plan(absl::Span<const PlanText> texts) { return impl_->Plan(texts); }

TrunkLayers Planner::FindTrunkLayers(const PlanText& text) { return impl_->FindTrunkLayers(text); }

PassPlan PlanPass(int layers, absl::Span<const PlanText> texts) {
  return Planner(layers).Plan(texts);
}

double RowLayersAlone(int layers, int32_t tokens, Reads reads) {
  const bool one_row_at_end = reads == Reads::kCls && layers > 1;
  return (layers - 1) * static_cast<double>(tokens) + (one_row_at_end ? 1 : tokens);
}

Work& Work::operator+=(const Work& other) {
  row_layers_run += other.row_layers_run;
  row_layers_shared += other.row_layers_shared;
  row_layers_cached += other.row_layers_cached;
  row_layers_skipped += other.row_layers_skipped;
  return *this;
}

}  // namespace fathom
