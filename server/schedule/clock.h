// Clock: what time it is. Tests turn their own.
#pragma once

#include <chrono>

#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace fathom {

// Any thread.
class Clock {
 public:
  virtual ~Clock() = default;

  // Of the world: what clients' deadlines are given in. It may jump.
  virtual absl::Time Wall() const = 0;

  // Never goes back and never jumps. Its zero means nothing: to be compared with itself only.
  virtual absl::Time Steady() const = 0;
};

class SystemClock : public Clock {
 public:
  absl::Time Wall() const override { return absl::Now(); }
  absl::Time Steady() const override {
    const auto since = std::chrono::steady_clock::now().time_since_epoch();
    return absl::UnixEpoch() + absl::FromChrono(since);
  }
};

// The one clock of the program; lives for ever.
inline const Clock* SystemTime() {
  static const SystemClock clock;
  return &clock;
}

}  // namespace fathom
