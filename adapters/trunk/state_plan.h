// StatePlan: which trunk states of a data set are kept, and where. Pure functions.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/types/span.h"
#include "adapters/trunk/depth_choice.h"
#include "runtime/cache/tap.h"
#include "runtime/cache/tap_form.h"
#include "runtime/task/site.h"

namespace fathom::training {

// What decides the size of a state.
struct StateShape {
  int64_t tokens = 0;  // of all texts
  int64_t texts = 0;
  int layers = 0;       // L
  int hidden_size = 0;  // H
  bool pairs = false;   // f and x are kept, not only their sum: a fork reads one of them
  TapPrecision precision = TapPrecision::kFp32;

  bool operator==(const StateShape&) const = default;
};

struct StateBudgets {
  int64_t memory_bytes = 0;
  int64_t file_bytes = 0;  // beyond the memory
};

// The states of all texts at one depth.
struct StatePlane {
  TapPoint point;
  int64_t bytes = 0;  // whole pages
  bool in_file = false;

  bool operator==(const StatePlane&) const = default;
};

struct StatePlan {
  std::vector<StatePlane> planes;  // by rising layer; empty: nothing is kept

  KeptDepths Depths() const;
  int64_t MemoryBytes() const;
  int64_t FileBytes() const;  // with the file's header; 0 without a plane in the file
};

inline constexpr int64_t kStatePageBytes = 4096;  // planes and the file's header start at a page

StatePlane MakePlane(const StateShape& shape, TapPoint point);

// The depths that leave the fewest trunk layers to a step, as many as the budgets hold. The [CLS]
// rows of the last layer come first where a fork starts from them. `forks`: those that training
// draws, each as likely as the others.
StatePlan PlanStateCache(const StateShape& shape, absl::Span<const Fork> forks,
                         const StateBudgets& budgets);

}  // namespace fathom::training
