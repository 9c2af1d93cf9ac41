// In which order waiting requests are served. Pure functions of a snapshot and a clock.
//
// 1. Level: the priority, and one more for each `ageing` that the request has waited for its next
//    part. Nothing of a lower level goes first, so nothing that comes (10 − p)·ageing after a
//    request of priority p began to wait ever overtakes it: nothing starves.
// 2. Of a level, requests whose deadline is near go first, the earliest deadline before the others.
// 3. Of the rest, clients take turns: the one that used least of late is next, and of its tasks the
//    one that used least. A turn is a request or, of a large one, half a pass (fairness.h).
// 4. Of one client and task, a request of which no more than half a pass waits goes before larger
//    ones, so that a split call holds up nobody. The larger ones take turns. Then the earliest
//    deadline, then the order of arrival.
#pragma once

#include <cstddef>
#include <vector>

#include "absl/time/time.h"
#include "absl/types/span.h"
#include "server/schedule/waiting_request.h"

namespace fathom {

// In full passes: what a request may take until others have had a turn.
inline constexpr double kTurnShare = 0.5;

struct OrderRules {
  absl::Duration ageing = absl::InfiniteDuration();
  // A deadline is near when it comes sooner than this after the request's own predicted time.
  absl::Duration near = absl::ZeroDuration();
};

// REQUIRES: ageing > 0.
int LevelOf(const WaitingRequest& request, absl::Time now, absl::Duration ageing);

bool IsDeadlineNear(const WaitingRequest& request, absl::Time now, absl::Duration near);

// What a request that waits for so much, in milliseconds and in full passes, may take in one turn.
double TurnMs(double ms, double share);

// How often a request has had its turn: of one client and task, fewer goes first. 0 for one that is
// not large.
int TurnsTaken(const WaitingRequest& request);

// Requests that are served before those of the next class.
struct ServiceClass {
  std::vector<size_t> requests;  // by rule 4 or, where in_order, by deadline
  bool in_order = false;         // served as they stand; otherwise clients take turns
};

// The requests that are not gone, which are indices of `waiting`, whose order is that of arrival.
std::vector<ServiceClass> ClassesInOrder(absl::Span<const WaitingRequest> waiting, absl::Time now,
                                         const OrderRules& rules);

}  // namespace fathom
