#include "adapters/trunk/fill_cache.h"

#include <numeric>
#include <vector>

#include "adapters/schedule/batching.h"

namespace fathom::training {
namespace {

constexpr int64_t kPackRows = 2048;

}  // namespace

absl::Status FillCache(Executor& executor, const Dataset& data, const FillCallbacks& callbacks,
                       StateCache& cache) {
  if (cache.plan().planes.empty()) return absl::OkStatus();
  const Fork last{cache.plan().planes.back().point.layer, Place::kFfn};
  std::vector<int64_t> all(data.examples.size());
  std::iota(all.begin(), all.end(), int64_t{0});
  std::vector<int32_t> tokens;
  for (const Example& example : data.examples) {
    tokens.push_back(static_cast<int32_t>(example.text.ids.size()));
  }
  int64_t done = 0;
  for (const std::vector<int64_t>& pack : PackByLength(all, tokens, kPackRows)) {
    std::vector<const TokenizedText*> texts;
    for (const int64_t text : pack) {
      texts.push_back(&data.examples[static_cast<size_t>(text)].text);
    }
    executor.ShowTrunk(texts, last, [&](const TrunkState& state) { cache.Store(pack, state); });
    done += static_cast<int64_t>(pack.size());
    if (callbacks.progress) callbacks.progress(done, static_cast<int64_t>(all.size()));
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
