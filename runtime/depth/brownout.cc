#include "runtime/depth/brownout.h"

#include <algorithm>

namespace fathom {

void Brownout::Observe(double share, absl::Time now) {
  if (now < last_) {
    risen_ = std::min(risen_, now);
    if (calm_since_ != absl::InfiniteFuture()) calm_since_ = now;
  }
  last_ = now;
  const int fallen = steps_ - steps(now);
  steps_ -= fallen;
  if (share < kFallBelow) {
    calm_since_ = std::min(calm_since_ + fallen * kCalm, now);
  } else {
    calm_since_ = absl::InfiniteFuture();
  }
  if (share > kRiseAbove && steps_ < most_steps_ && now - risen_ >= kRiseInterval) {
    ++steps_;
    risen_ = now;
  }
}

int Brownout::steps(absl::Time now) const {
  if (now - calm_since_ < kCalm) return steps_;
  const double fallen = absl::FDivDuration(now - calm_since_, kCalm);
  return fallen >= steps_ ? 0 : steps_ - static_cast<int>(fallen);
}

}  // namespace fathom
