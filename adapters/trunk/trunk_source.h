// TrunkSource: the trunk states that training steps start from, out of the cache as far as it has
// them, and out of the executor from there.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "absl/types/span.h"
#include "adapters/data/dataset.h"
#include "adapters/trunk/state_cache.h"
#include "runtime/pass/executor.h"

namespace fathom::training {

// Sums over the texts of all calls: a text whose trunk goes through one layer counts 1.
struct TrunkWork {
  int64_t texts = 0;
  double layers_run = 0;
  double layers_saved = 0;
  int64_t bytes_loaded = 0;  // fp32, as the steps see them

  double MeanLayersRun() const { return texts == 0 ? 0 : layers_run / static_cast<double>(texts); }
};

// Any number of threads may call Get at the same time, each with an executor of its own.
class TrunkSource {
 public:
  // `cache`: of these texts and the executors' encoder, full; null: nothing is cached. `data`
  // outlives the source.
  explicit TrunkSource(const Dataset& data, std::shared_ptr<const StateCache> cache = nullptr);

  // Executor::RunTrunk(these texts, fork). Of a cache that holds sums, f + x is right where the
  // state was kept at the fork itself, f and x alone are not.
  TrunkState Get(Executor& executor, absl::Span<const int64_t> texts, Fork fork) const;

  TrunkWork work() const;

 private:
  const Dataset& data_;
  const std::shared_ptr<const StateCache> cache_;
  mutable std::atomic<int64_t> texts_ = 0;
  mutable std::atomic<double> layers_run_ = 0;
  mutable std::atomic<double> layers_saved_ = 0;
  mutable std::atomic<int64_t> bytes_loaded_ = 0;
};

}  // namespace fathom::training
