// Estimates: what the scheduler takes a request's work for before it is planned into a pass.
#pragma once

#include <cstdint>

#include "absl/types/span.h"
#include "runtime/engine.h"
#include "server/schedule/request.h"

namespace fathom {

// All with all of the engine's threads, in predicted milliseconds; 0: the engine predicts nothing.
struct RequestEstimate {
  double row_ms = 0;    // of each row (token of a (text, task)) that joins a pass
  double alone_ms = 0;  // of the whole request alone
  double least_ms = 0;  // the same, with every n that is still open as large as it was trained for
};

// The part of every pass that does not grow with its rows: reading the weights, mostly. From passes
// over made-up texts without tasks.
double FixedPassMs(const Engine& engine);

// Asks the engine about as much of the request as one pass may hold, and takes the rest for alike.
// `automatic`: n is chosen later for what does not name it. REQUIRES: a token and a task a text.
RequestEstimate EstimateRequest(const Engine& engine, absl::Span<const ScheduledText> texts,
                                int64_t max_rows, double fixed_ms, bool automatic);

}  // namespace fathom
