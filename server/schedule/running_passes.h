// RunningPasses: which passes run, and what is left of them. For one thread at a time.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>

#include "absl/time/time.h"

namespace fathom {

class RunningPasses {
 public:
  // `engine_threads`: all that the engine has.
  explicit RunningPasses(int engine_threads) : engine_threads_(engine_threads) {}

  // A pass that would take `ms` with all threads, as predicted (0: nothing was), begins with
  // `threads`. Returns what End wants. Times are readings of Clock::Steady.
  uint64_t Begin(double ms, int threads, absl::Time now) {
    threads_ += threads;
    passes_[++last_] = {ms, threads, now};
    return last_;
  }

  void End(uint64_t pass) {
    threads_ -= passes_.at(pass).threads;
    passes_.erase(pass);
  }

  int threads() const { return threads_; }

  // Milliseconds of all threads that are left of them. A pass that is over its time has 0.
  double LeftMs(absl::Time now) const {
    double left = 0;
    for (const auto& [id, pass] : passes_) {
      const double share = static_cast<double>(pass.threads) / engine_threads_;
      const double done_ms = absl::ToDoubleMilliseconds(now - pass.begun) * share;
      left += std::max(0.0, pass.ms - done_ms);
    }
    return left;
  }

 private:
  struct Pass {
    double ms = 0;
    int threads = 0;
    absl::Time begun;
  };

  const int engine_threads_;
  std::map<uint64_t, Pass> passes_;
  uint64_t last_ = 0;
  int threads_ = 0;
};

}  // namespace fathom
