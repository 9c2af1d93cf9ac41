// FillCache: one pass without adapters over a data set, which computes all states that are kept.
#pragma once

#include <cstdint>
#include <functional>

#include "absl/status/status.h"
#include "adapters/data/dataset.h"
#include "adapters/trunk/state_cache.h"
#include "runtime/pass/executor.h"

namespace fathom::training {

struct FillCallbacks {
  std::function<void(int64_t done, int64_t texts)> progress;  // after each pack
  std::function<bool()> stop_requested;                       // asked after each pack
};

// CANCELLED: it was stopped; the cache is of no use then.
absl::Status FillCache(Executor& executor, const Dataset& data, const FillCallbacks& callbacks,
                       StateCache& cache);

// Trunk layers that the pass runs through.
double FillLayers(const StatePlan& plan);

}  // namespace fathom::training
