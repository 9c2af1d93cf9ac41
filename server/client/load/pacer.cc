#include "server/client/load/pacer.h"

namespace fathom {

ClosedLoop::ClosedLoop(int callers, double end_s) : end_s_(end_s) {
  for (int i = 0; i < callers; ++i) free_.push(0);
}

std::optional<double> ClosedLoop::Next() const {
  if (free_.empty() || free_.top() >= end_s_) return std::nullopt;
  return free_.top();
}

OpenLoop::OpenLoop(const Options& options)
    : options_(options), random_(options.seed), gap_s_(options.rate), next_s_(gap_s_(random_)) {}

std::optional<double> OpenLoop::Next() const {
  if (next_s_ >= options_.end_s || in_flight_ >= options_.max_in_flight) return std::nullopt;
  return next_s_;
}

void OpenLoop::Sent() {
  ++in_flight_;
  next_s_ += gap_s_(random_);
}

void OpenLoop::Finished(double /*now_s*/, double /*pause_s*/) { --in_flight_; }

int64_t OpenLoop::Unsent() const {
  OpenLoop rest = *this;
  int64_t unsent = 0;
  for (; rest.next_s_ < options_.end_s; rest.next_s_ += rest.gap_s_(rest.random_)) ++unsent;
  return unsent;
}

}  // namespace fathom
