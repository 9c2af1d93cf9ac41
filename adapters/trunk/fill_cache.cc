#include "adapters/trunk/fill_cache.h"

#include <vector>

#include "adapters/data/text_packs.h"

namespace fathom::training {
namespace {

constexpr int64_t kPackRows = 2048;

}  // namespace

absl::Status FillCache(Executor& executor, const Dataset& data, const FillCallbacks& callbacks,
                       StateCache& cache) {
  if (cache.plan().planes.empty()) return absl::OkStatus();
  const Fork last{cache.plan().planes.back().point.layer, Place::kFfn};
  int64_t done = 0;
  for (const std::vector<int64_t>& pack : PackAll(data, kPackRows)) {
    executor.ShowTrunk(TextsOf(data, pack), last,
                       [&](const TrunkState& state) { cache.Store(pack, state); });
    done += static_cast<int64_t>(pack.size());
    if (callbacks.progress) callbacks.progress(done, static_cast<int64_t>(data.examples.size()));
    if (callbacks.stop_requested && callbacks.stop_requested()) {
      return absl::CancelledError("stopped while the trunk states were computed");
    }
  }
  return absl::OkStatus();
}

double FillLayers(const StatePlan& plan) {
  return plan.planes.empty() ? 0 : plan.planes.back().point.layer + 1;
}

}  // namespace fathom::training
