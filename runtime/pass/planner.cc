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
  int32_t first_row = 0;

  // The order of a packed block: trunks first, then the branches by adapter, so that the rows of
  // one adapter are one segment whatever the texts they belong to.
  auto Key() const { return std::tie(adapter, text, fork); }
};

// What a text needs. Tasks that run the same modules share a branch: same adapter and same fork.
struct TextBranches {
  std::vector<Block> branches;                // first_row unused
  std::vector<std::optional<size_t>> branch;  // of each task; nothing: the trunk's last state
  std::optional<Fork> trunk_end;              // where the trunk retires; nothing: never
};

TextBranches FindBranches(int32_t text, const PlanText& plan_text) {
  TextBranches found;
  bool trunk_is_read = false;
  for (const PlanTask& task : plan_text.tasks) {
    const std::optional<Fork> fork =
        task.layout == nullptr ? std::nullopt : FindFork(*task.layout, task.skip_layers);
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
    }
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
  int32_t tokens(const Block& block) const {
    return texts_[static_cast<size_t>(block.text)].tokens;
  }

  void StartTrunks() {
    run_thirds_.resize(texts_.size());
    for (size_t text = 0; text < texts_.size(); ++text) {
      needs_.push_back(FindBranches(static_cast<int32_t>(text), texts_[text]));
      plan_.text_tokens.push_back(texts_[text].tokens);
      blocks_.push_back({.text = static_cast<int32_t>(text), .first_row = rows_});
      rows_ += texts_[text].tokens;
    }
    plan_.max_rows = rows_;
  }

  void AddStage(Fork here, int thirds) {
    Stage stage{.layer = here.layer, .place = here.place, .rows_in = rows_};
    for (const Block& block : blocks_) {
      run_thirds_[static_cast<size_t>(block.text)] += int64_t{thirds} * tokens(block);
      if (here.place == Place::kAttention) {
        stage.attention.push_back({block.first_row, tokens(block)});
      }
    }
    MoveBlocks(here, stage);
    plan_.max_rows = std::max(plan_.max_rows, rows_);
    plan_.stages.push_back(std::move(stage));
  }

  // The stage's epilogue: trunks go on or retire, branches go on, forks begin.
  void MoveBlocks(Fork here, Stage& stage) {
    std::vector<Block> moved;  // first_row is the source's until the rows are dealt out below
    for (const Block& block : blocks_) {
      if (block.layout != nullptr) {
        moved.push_back(block);
        continue;
      }
      const TextBranches& need = needs_[static_cast<size_t>(block.text)];
      if (!need.trunk_end || here < *need.trunk_end) moved.push_back(block);
      for (Block branch : need.branches) {
        if (branch.fork != here) continue;
        branch.first_row = block.first_row;
        moved.push_back(branch);
      }
    }
    std::sort(moved.begin(), moved.end(),
              [](const Block& a, const Block& b) { return a.Key() < b.Key(); });
    rows_ = 0;
    for (Block& block : moved) {
      const bool adapts =
          block.layout != nullptr && block.layout->HasModule(here.layer, here.place);
      AddSegment({.src_first = block.first_row,
                  .dst_first = rows_,
                  .count = tokens(block),
                  .adapter = adapts ? block.adapter : PlanTask::kNoAdapter},
                 stage.epilogue);
      block.first_row = rows_;
      rows_ += tokens(block);
    }
    std::stable_sort(
        stage.epilogue.begin(), stage.epilogue.end(),
        [](const EpilogueSegment& a, const EpilogueSegment& b) { return a.adapter < b.adapter; });
    stage.rows_out = rows_;
    blocks_ = std::move(moved);
  }

  // Joins a segment to the one before it where both its ends continue that one.
  static void AddSegment(const EpilogueSegment& next, std::vector<EpilogueSegment>& segments) {
    if (!segments.empty()) {
      EpilogueSegment& last = segments.back();
      if (last.adapter == next.adapter && last.src_first + last.count == next.src_first &&
          last.dst_first + last.count == next.dst_first) {
        last.count += next.count;
        return;
      }
    }
    segments.push_back(next);
  }

  void FindOutputs() {
    for (size_t text = 0; text < texts_.size(); ++text) {
      for (size_t task = 0; task < texts_[text].tasks.size(); ++task) {
        const TextBranches& need = needs_[text];
        Block wanted{.text = static_cast<int32_t>(text)};
        if (need.branch[task]) wanted = need.branches[*need.branch[task]];
        const auto found =
            std::lower_bound(blocks_.begin(), blocks_.end(), wanted,
                             [](const Block& a, const Block& b) { return a.Key() < b.Key(); });
        plan_.outputs.push_back({.text = static_cast<int32_t>(text),
                                 .task = static_cast<int32_t>(task),
                                 .rows = {found->first_row, texts_[text].tokens}});
      }
    }
  }

  void CountWork() {
    for (size_t text = 0; text < texts_.size(); ++text) {
      const double tokens = texts_[text].tokens;
      Work work{.row_layers_run = static_cast<double>(run_thirds_[text]) / 3};
      for (const PlanTask& task : texts_[text].tasks) {
        work.row_layers_shared += layers_ * tokens;
        if (task.layout != nullptr) work.row_layers_skipped += task.skip_layers * tokens;
      }
      work.row_layers_shared -= work.row_layers_run;
      plan_.work.push_back(work);
    }
  }

  const int layers_;
  const absl::Span<const PlanText> texts_;
  std::vector<TextBranches> needs_;  // [texts]
  std::vector<Block> blocks_;        // the rows that enter the next stage, in Key order
  std::vector<int64_t> run_thirds_;  // [texts]
  int32_t rows_ = 0;
  PassPlan plan_;
};

}  // namespace

Work& Work::operator+=(const Work& other) {
  row_layers_run += other.row_layers_run;
  row_layers_shared += other.row_layers_shared;
  row_layers_skipped += other.row_layers_skipped;
  return *this;
}

PassPlan PlanPass(int layers, absl::Span<const PlanText> texts) {
  return PassPlanner(layers, texts).Plan();
}

}  // namespace fathom
