// SchedulerOptions: the limits of the queue and of a pass.
#pragma once

#include <cstdint>

#include "absl/status/status.h"

namespace fathom {

// A row here is one token of one (text, task): what a call's work is measured in before it is
// planned. Milliseconds are those that the engine predicts with all of its threads; while it
// predicts nothing, the limits in milliseconds do not act.
struct SchedulerOptions {
  int64_t max_queue_requests = 1024;
  int64_t max_queue_rows = 1 << 18;
  // Longest predicted wait of an accepted call: the time of what goes before it. Half a second of
  // work smooths a burst; whoever comes later is better served by another replica. 0: no limit.
  double max_queue_ms = 500;

  int64_t max_batch_rows = 4096;  // of one pass; at least the encoder's longest text
  // Predicted time at which a pass is cut, and so about the longest time that a lone call waits for
  // a pass that runs. At a tenth of a second the GEMMs have long had the rows that they are best
  // at. A text that takes longer runs alone. 0: no limit.
  double max_pass_ms = 100;

  // A call gains one level of priority for each that it has waited. A call of priority p is never
  // overtaken by one that arrives (10 − p) times this later.
  double ageing_ms = 500;
};

// INVALID_ARGUMENT names an option that cannot work. `max_tokens` is of the encoder's longest text.
absl::Status CheckSchedulerOptions(const SchedulerOptions& options, int max_tokens);

}  // namespace fathom
