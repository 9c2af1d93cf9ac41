// TurnedClock: a clock that a test turns. Its two hands turn together unless the wall's jumps.
#pragma once

#include <mutex>

#include "server/schedule/clock.h"

namespace fathom {

class TurnedClock : public Clock {
 public:
  absl::Time Wall() const override {
    const std::lock_guard lock(mutex_);
    return wall_;
  }
  absl::Time Steady() const override {
    const std::lock_guard lock(mutex_);
    return steady_;
  }

  void Pass(absl::Duration time) {
    const std::lock_guard lock(mutex_);
    wall_ += time;
    steady_ += time;
  }
  void JumpWall(absl::Duration time) {
    const std::lock_guard lock(mutex_);
    wall_ += time;
  }

 private:
  mutable std::mutex mutex_;
  absl::Time wall_ = absl::FromUnixSeconds(1'800'000'000);
  absl::Time steady_ = absl::FromUnixSeconds(1000);
};

}  // namespace fathom
