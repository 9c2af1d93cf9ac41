#include "runtime/depth/drift_guard.h"

#include <cmath>

namespace fathom {

double LowestAgreement(double agreement, int64_t profile_samples) {
  const double measured_on =
      static_cast<double>(profile_samples > 0 ? profile_samples : DriftGuard::kWindow);
  const double expected = (agreement * measured_on + 1) / (measured_on + 2);
  const double standard_error =
      std::sqrt(expected * (1 - expected) * (1.0 / DriftGuard::kWindow + 1 / measured_on));
  return expected - DriftGuard::kStandardErrors * standard_error;
}

DriftGuard::DriftGuard(const DepthProfile& profile) {
  for (const DepthPoint& point : profile.points) {
    if (point.skip_layers == 0 || !point.agreement) continue;
    depths_[point.skip_layers].lowest = LowestAgreement(*point.agreement, profile.samples);
  }
}

void DriftGuard::Add(int skip_layers, double agreement) {
  const auto found = depths_.find(skip_layers);
  if (found == depths_.end() || !(agreement >= 0 && agreement <= 1)) return;
  Depth& depth = found->second;
  depth.samples += 1;
  depth.agreed += agreement;
  depth.window += 1;
  depth.window_agreed += agreement;
  if (depth.window < kWindow) return;
  tripped_ |= depth.window_agreed / kWindow < depth.lowest;
  depth.window = 0;
  depth.window_agreed = 0;
}

void DriftGuard::Reset() {
  tripped_ = false;
  for (auto& [skip_layers, depth] : depths_) {
    depth.window = 0;
    depth.window_agreed = 0;
  }
}

std::vector<DriftGuard::Agreement> DriftGuard::agreements() const {
  std::vector<Agreement> all;
  for (const auto& [skip_layers, depth] : depths_) {
    if (depth.samples > 0) all.push_back({skip_layers, depth.samples, depth.agreed});
  }
  return all;
}

}  // namespace fathom
