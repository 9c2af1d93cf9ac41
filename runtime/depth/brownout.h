// Brownout: how many steps n may rise because the queue is long. Pure arithmetic over what it is
// told; the owner locks it.
#pragma once

#include "absl/time/time.h"

namespace fathom {

// Above half of the queue's limit it rises, a step at a time, so that each step can show what it
// does before the next. Below a fifth it falls a step for every five seconds that it stays there.
// Between the two it stays. A clock that jumps back only starts the waiting times again.
class Brownout {
 public:
  static constexpr double kRiseAbove = 0.5;  // share of the queue's limit
  static constexpr double kFallBelow = 0.2;
  static constexpr absl::Duration kRiseInterval = absl::Milliseconds(250);  // between two steps up
  static constexpr absl::Duration kCalm = absl::Seconds(5);                 // before a step down

  // `most_steps`: it never rises above.
  explicit Brownout(int most_steps) : most_steps_(most_steps) {}

  // `share` holds from `now` until it is told another.
  void Observe(double share, absl::Time now);

  // At `now`, if it was told nothing since.
  int steps(absl::Time now) const;

 private:
  const int most_steps_;
  int steps_ = 0;  // at last_
  absl::Time last_ = absl::InfinitePast();
  absl::Time risen_ = absl::InfinitePast();
  absl::Time calm_since_ = absl::InfiniteFuture();  // while the share is not below kFallBelow
};

}  // namespace fathom
