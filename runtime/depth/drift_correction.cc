#include "runtime/depth/drift_correction.h"

#include <algorithm>
#include <cmath>

namespace fathom {

void DriftCorrection::Observe(double predicted_ms, double actual_ms) {
  if (!(predicted_ms > 0) || !(actual_ms > 0)) return;
  const double ratio = std::clamp(actual_ms / predicted_ms, 1 / kLargestRatio, kLargestRatio);
  // Up for each pass that is later and down for each that is not, so that both come to rest where
  // kInTime of them are not.
  const bool late = ratio > factor_ * late_;
  late_ *= 1 + kLateStep * (late ? kInTime : kInTime - 1);
  late_ = std::clamp(late_, 1.0, kLargestRatio);
  // The average is of logarithms: twice as slow and twice as fast cancel out.
  factor_ *= std::pow(ratio / factor_, kWeight);
}

}  // namespace fathom
