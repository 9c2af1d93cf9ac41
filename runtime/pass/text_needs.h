// TextNeeds: what the texts of a pass need, before any row is dealt out: their branches, and the
// stages that their trunks run through, from the embedding or from a tap. Used by the planner
// alone.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/types/span.h"
#include "runtime/pass/plan.h"
#include "runtime/task/site.h"

namespace fathom {

// The stages of an encoder in their order: 2 · layer + place, 0 … 2L−1.
inline int StageIndex(Fork at) { return 2 * at.layer + static_cast<int>(at.place); }

// One task's rows above its fork. Tasks that run the same modules share it: same adapter and fork.
struct Branch {
  int32_t adapter = 0;
  Fork fork;
  const AdapterLayout* layout = nullptr;
  Reads reads = Reads::kCls;  // of the last state, by all its readers together
};

// For one thread. The buffers are reused from pass to pass.
class TextNeeds {
 public:
  explicit TextNeeds(int layers) : layers_(layers) {}

  void Clear();
  void Add(const PlanText& text);

  // How many rows of the trunk at `stage` are read: all, or the [CLS] row.
  Reads TrunkReads(size_t text, int stage) const;

  // Whether the trunk runs through `stage`, 0 … 2L; 2L asks whether its last state is read.
  bool TrunkRuns(size_t text, int stage) const;
  bool TrunkRunsWithoutTaps(size_t text, int stage) const;

  // The tap (index into PlanText::taps) from which the trunk's state after the GEMMs of `stage`
  // comes. Nothing if the trunk runs there itself or if nobody reads it.
  std::optional<int32_t> TapAt(size_t text, int stage) const;

  // Layers of the trunk up to `stage` that taps save: nothing of the text runs their FFN.
  int CachedLayers(size_t text, int stage) const;

  absl::Span<const Branch> branches(size_t text) const;

  // The branch that a task reads, an index into branches(text); nothing: the trunk's last state.
  std::optional<size_t> BranchOf(size_t text, size_t task) const;

 private:
  // Where a part of the trunk starts, and the last stage that a reader takes it at.
  struct Piece {
    int after = -1;  // the stage of the tap; -1: the embedding
    int32_t tap = -1;
    int until = -2;  // 2L: the last state; below `after`: unused
  };
  struct Text {
    Reads reads = Reads::kCls;                  // of the trunk in the last layer's attention
    Reads reads_after_attention = Reads::kCls;  // and in its FFN
    int trunk_end = -1;                         // without taps
    size_t first_branch = 0, branch_count = 0;
    size_t first_task = 0;
    size_t first_piece = 0, piece_count = 0;
  };

  int end() const { return 2 * layers_; }
  size_t FindBranch(Text& need, const PlanTask& task, Fork fork);
  void AddTapPieces(Text& need, const PlanText& text);
  void Reach(const Text& need, const PlanText& text, int stage, bool needs_pair);

  const int layers_;
  std::vector<Text> texts_;
  std::vector<Branch> branches_;      // of all texts
  std::vector<int32_t> task_branch_;  // of all tasks; -1: the trunk
  std::vector<Piece> pieces_;         // of all texts, by rising `after`
};

}  // namespace fathom
