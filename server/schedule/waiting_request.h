// WaitingRequest: what the decisions of the scheduler see of a request in the queue. A plain value.
#pragma once

#include <cstdint>

#include "absl/time/time.h"

namespace fathom {

// All times are readings of Clock::Steady.
struct WaitingRequest {
  // Whom the request's time is charged to.
  struct Account {
    uint64_t id = 0;
    double usage = 0;  // of late, in full passes; requests of equal id have equal usage

    bool operator==(const Account&) const = default;
  };

  int priority = 0;                         // 0 … 9, higher goes first
  absl::Time since = absl::InfinitePast();  // waits for its next part since then
  absl::Time deadline = absl::InfiniteFuture();
  bool cancelled = false;
  double ms = 0;             // predicted, of what waits; 0: the engine predicts nothing
  double waiting_share = 0;  // of what waits, in full passes
  double taken_share = 0;    // of what passes have had of it, the same
  Account client;
  Account task;  // of a task of that client

  bool Gone(absl::Time now) const { return deadline <= now || cancelled; }
};

}  // namespace fathom
