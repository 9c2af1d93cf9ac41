// StateCache: the trunk states of all texts of a data set at a few depths. They never change while
// adapters train: computed once, they spare every step the layers below.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "absl/types/span.h"
#include "adapters/trunk/mapped_bytes.h"
#include "adapters/trunk/state_plan.h"
#include "runtime/pass/executor.h"

namespace fathom::training {

// Where the planes lie: those in the file behind its header, and each kind in the plan's order.
struct StateMemory {
  MappedBytes memory;  // of plan.MemoryBytes()
  MappedBytes file;    // of plan.FileBytes()
};

// Written by one thread (Store), then immutable and read by any.
class StateCache {
 public:
  // `text_tokens`: tokens of each text, of which there are shape.texts.
  StateCache(const StateShape& shape, absl::Span<const int32_t> text_tokens, StatePlan plan,
             StateMemory memory);

  const StateShape& shape() const { return shape_; }
  const StatePlan& plan() const { return plan_; }
  const KeptDepths& depths() const { return depths_; }

  // Keeps what is kept of this state of `texts` (indices, in the order of its rows).
  void Store(absl::Span<const int64_t> texts, const TrunkState& state);

  // The deepest kept state of `texts` at or before `fork`, ordinary fp32 tensors in the order of
  // the texts; nothing: none is kept there. A sum comes as f, with zeros as x.
  std::optional<TrunkState> Load(absl::Span<const int64_t> texts, Fork fork) const;

 private:
  struct Block {
    int64_t first_row = 0;
    int64_t rows = 0;
  };

  const StatePlane* Find(int layer) const;
  std::byte* Data(const StatePlane& plane) const;
  // The rows of one text in a plane.
  Block RowsOf(const StatePlane& plane, int64_t text) const;
  int64_t RowBytes() const;  // of one matrix

  const StateShape shape_;
  const StatePlan plan_;
  const KeptDepths depths_;
  std::vector<int64_t> first_row_;  // [texts + 1], of each text in a plane of all rows
  StateMemory memory_;
};

}  // namespace fathom::training
