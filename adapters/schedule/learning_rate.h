// The learning rate of a step: linear warm-up, then linear decay to 0. A pure function.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace fathom::training {

struct LearningRateSchedule {
  double peak = 1e-4;
  double warmup_share = 0.06;  // of all steps, rounded up
  int64_t total_steps = 0;

  // step counts from 0. No step has rate 0: the first is one step up, the last one step above 0.
  double At(int64_t step) const {
    const auto total = static_cast<double>(total_steps);
    const double warmup = std::ceil(total * warmup_share);
    const auto done = static_cast<double>(step);
    if (done < warmup) return peak * (done + 1) / warmup;
    return peak * std::max(0.0, total - done) / std::max(1.0, total - warmup);
  }
};

}  // namespace fathom::training
