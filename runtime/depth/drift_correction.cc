#include "runtime/depth/drift_correction.h"

#include <algorithm>
#include <cmath>

namespace fathom {

void DriftCorrection::Observe(double predicted_ms, double actual_ms) {
  if (!(predicted_ms > 0) || !(actual_ms > 0)) return;
  const double ratio = std::clamp(actual_ms / predicted_ms, 1 / kLargestRatio, kLargestRatio);
  // The average is of logarithms: twice as slow and twice as fast cancel out.
  factor_ *= std::pow(ratio / factor_, kWeight);
}

}  // namespace fathom
