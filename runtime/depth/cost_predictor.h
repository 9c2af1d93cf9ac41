// CostPredictor: the cost model of one engine, corrected by how its passes really went.
#pragma once

#include <map>
#include <mutex>
#include <utility>

#include "runtime/depth/cost_model.h"
#include "runtime/depth/drift_correction.h"

namespace fathom {

// Any thread.
class CostPredictor {
 public:
  // `table` was measured with all of the engine's threads. Passes of fewer are told apart, and
  // learned by their correction.
  explicit CostPredictor(CostTable table) : table_(std::move(table)) {}

  struct Prediction {
    double model_ms = 0;    // by the table alone
    double ms = 0;          // corrected
    double encoder_ms = 0;  // of ms, all but the adapters' own work
    double late_ms = 0;     // 19 of 20 passes take less
  };

  // As PredictMs.
  Prediction Predict(const PassPlan& plan, const PassTraits& traits, int threads) const {
    const double model_ms = PredictMs(table_, plan, traits);
    const double encoder_ms = model_ms - AdaptersMs(table_, plan, traits);
    const std::lock_guard lock(mutex_);
    const DriftCorrection& drift = drift_[threads];
    return {model_ms, drift.Correct(model_ms), drift.Correct(encoder_ms), drift.LateMs(model_ms)};
  }

  void Observe(const Prediction& prediction, double actual_ms, int threads) {
    const std::lock_guard lock(mutex_);
    drift_[threads].Observe(prediction.model_ms, actual_ms);
  }

 private:
  const CostTable table_;
  mutable std::mutex mutex_;
  mutable std::map<int, DriftCorrection> drift_;  // by threads of a pass
};

}  // namespace fathom
