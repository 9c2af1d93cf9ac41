// Batch: what the queue puts into a pass.
#pragma once

#include <cstdint>
#include <vector>

#include "server/schedule/flights.h"
#include "server/schedule/queued_request.h"

namespace fathom {

// One text of a pass.
struct BatchPart {
  QueuedRequestPtr owner;          // whose usage its work is counted to; null: nobody's
  std::vector<FlightPtr> flights;  // of equal text; at least one
};

// Two depths of one text and task in one pass, to compare their answers.
struct Shadow {
  FlightPtr chosen;
  FlightPtr at_zero;
};

struct Batch {
  std::vector<QueuedRequestPtr> expired;    // gone from the queue
  std::vector<QueuedRequestPtr> cancelled;  // the same
  std::vector<BatchPart> parts;             // of the pass, if any
  std::vector<Shadow> shadows;
  double ms = 0;     // predicted, of the pass; 0: nothing was
  int64_t rows = 0;  // tokens of all (text, task)
};

// What a pass brought.
struct Answered {
  std::vector<QueuedRequestPtr> requests;  // answered whole and gone from the queue; by arrival
  int64_t deduplicated_items = 0;          // that took the answer computed for another one
};

}  // namespace fathom
