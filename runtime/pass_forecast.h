// PassForecast: what a pass would take if it ran now. It is merged, looked up and planned as
// PassRunner does it, and not executed; the caches keep no trace of it.
#pragma once

#include <memory>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/span.h"
#include "runtime/depth/cost_predictor.h"
#include "runtime/engine.h"
#include "runtime/pass_runner.h"

namespace fathom {

// Any thread. Holds buffers for as many threads as ever asked at the same time.
class PassForecast {
 public:
  // Both must outlive it. `layers` is L.
  PassForecast(int layers, const PassCaches& caches, const CostPredictor& costs);
  ~PassForecast();

  // For a pass with so many threads. Nothing where everything is answered from the cache.
  PassPrediction Predict(absl::Span<const PassText> texts, int threads) const;

 private:
  struct Desk;

  std::unique_ptr<Desk> TakeDesk() const;
  void Describe(absl::Span<const PassText> texts, Desk& desk) const;
  bool IsAnswered(const TokenizedText& text, const PassTask& task) const;

  const int layers_;
  const PassCaches& caches_;
  const CostPredictor& costs_;

  mutable absl::Mutex mutex_;
  mutable std::vector<std::unique_ptr<Desk>> free_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace fathom
