// Admission: whether a request may wait. Pure functions of a snapshot and a clock.
#pragma once

#include <cstdint>
#include <optional>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "server/schedule/batch_policy.h"
#include "server/schedule/observer.h"
#include "server/schedule/options.h"
#include "server/schedule/order.h"
#include "server/schedule/waiting_request.h"

namespace fathom {

// A request that wants to wait. Times are readings of Clock::Steady.
struct Newcomer {
  int64_t rows = 0;
  int priority = 0;
  absl::Time deadline = absl::InfiniteFuture();
  bool cancelled = false;
  double least_ms = 0;  // predicted for it alone, at the largest n that it may be given; 0: nothing
};

// Predicted time of what goes before a newcomer, in milliseconds.
struct Ahead {
  double until_turn_ms = 0;  // until a part of it goes into a pass, where no deadline is near
  double earliest_ms = 0;    // the same, if it overtakes all that order.h ever lets it
};

// Of a request of higher level all that waits goes before it, of its own level one turn, or all of
// it where its deadline is earlier. What runs is not included.
Ahead AheadOf(const Newcomer& newcomer, absl::Span<const WaitingRequest> waiting, absl::Time now,
              const OrderRules& rules, const PassLimits& limits);

struct Refusal {
  Rejection rejection;
  absl::Status status;
};

struct QueueState {
  QueueLength length;
  double running_ms = 0;  // predicted, until the passes that run are done
  Ahead ahead;            // of the newcomer
  bool draining = false;
};

// Absent: it may wait.
//   UNAVAILABLE         draining
//   DEADLINE_EXCEEDED   the deadline has passed, or would before the predicted end
//   CANCELLED           when it came
//   INVALID_ARGUMENT    more rows than the queue holds: it could never wait
//   RESOURCE_EXHAUSTED  the queue is full; names the limit, with the delay after which to try again
std::optional<Refusal> Admit(const Newcomer& newcomer, const QueueState& queue, absl::Time now,
                             const SchedulerOptions& options);

// When a client may find room again: when half of what is ahead will be done, but within bounds.
absl::Duration RetryDelay(double wait_ms);

// How much of its limits the queue uses, 0 … 1: the largest of the three. `wait_ms`: what the next
// request would wait for.
double QueueShare(const QueueLength& length, double wait_ms, const SchedulerOptions& options);

}  // namespace fathom
