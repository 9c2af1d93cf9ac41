// Batch forming: which waiting work goes into the next pass. Pure functions of a snapshot: no
// clock, no lock, no thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "server/schedule/order.h"
#include "server/schedule/waiting_request.h"

namespace fathom {

// One (text, task) of a unit.
struct WorkItem {
  size_t task = 0;
  uint64_t flight = 0;  // equal ones are computed once; 0: not known yet, and then its own

  bool operator==(const WorkItem&) const = default;
};

// What goes into a pass whole: some tasks of one text. Its rows are at most tokens · tasks, since a
// text is packed once while it is a trunk and then once for each task.
struct WorkUnit {
  size_t text = 0;
  std::vector<WorkItem> items;
  int64_t tokens = 0;  // of the text
  double row_ms = 0;   // predicted, of each row

  int64_t rows() const { return tokens * static_cast<int64_t>(items.size()); }
};

// Cuts these items of one text into units of at most `max_rows` rows: one unit where that fits,
// else runs of items, in order. A single item is never cut. No unit without items.
// REQUIRES: unit.tokens >= 1.
std::vector<WorkUnit> SplitText(const WorkUnit& unit, int64_t max_rows);

// What a pass may hold.
struct PassLimits {
  int64_t max_rows = 0;
  double max_ms = 0;    // predicted; 0: no limit
  double fixed_ms = 0;  // predicted, of a pass apart from its rows

  // Of a full pass, which is 1.
  double ShareOf(int64_t rows, double ms) const;

  // Predicted time of work that is cut into full passes.
  double MsInPasses(double ms) const;
};

struct BatchCut {
  struct Take {
    size_t request = 0;
    size_t units = 0;  // the first so many of its units; >= 1
    double share = 0;  // of a full pass
    double ms = 0;     // predicted, without the fixed part of the pass

    bool operator==(const Take&) const = default;
  };

  // Indices of the snapshot. A request is in at most one of the three.
  std::vector<size_t> expired;    // ascending
  std::vector<size_t> cancelled;  // ascending
  std::vector<Take> taken;        // in the order in which they had their first turn
  int64_t rows = 0;
  double ms = 0;  // predicted, of the whole pass; 0: nothing was predicted
};

// A request's units that have not run yet, in order. Asked once a request, when its turn comes.
using UnitsOf = absl::FunctionRef<std::vector<WorkUnit>(size_t request)>;

// Takes units in the order of order.h until the next one does not fit. The first unit is taken
// whatever its size. What an earlier unit holds already takes no room. Requests past their deadline
// and cancelled ones are named, not taken.
BatchCut CutBatch(absl::Span<const WaitingRequest> waiting, UnitsOf units_of, absl::Time now,
                  const OrderRules& rules, const PassLimits& limits);

}  // namespace fathom
