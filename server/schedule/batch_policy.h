// Batch forming: which waiting work goes into the next pass. A pure function of a snapshot: no
// clock, no lock, no thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/time/time.h"
#include "absl/types/span.h"

namespace fathom {

// What goes into a pass whole: some tasks of one text. Its rows are at most tokens · tasks, since a
// text is packed once while it is a trunk and then once for each task.
struct WorkUnit {
  size_t text = 0;
  std::vector<size_t> tasks;
  int64_t rows = 0;
};

// Cuts these tasks of one text into units of at most `max_rows` rows: one unit where that fits,
// else runs of tasks, in order. A single task is never cut. No unit without tasks.
// REQUIRES: tokens >= 1.
std::vector<WorkUnit> SplitText(size_t text, int64_t tokens, absl::Span<const size_t> tasks,
                                int64_t max_rows);

// A request of the queue.
struct WaitingRequest {
  absl::Span<const WorkUnit> units;  // not yet run, in order; not owned
  absl::Time deadline = absl::InfiniteFuture();
  bool cancelled = false;

  bool Gone(absl::Time now) const { return deadline <= now || cancelled; }
};

struct BatchCut {
  struct Take {
    size_t request = 0;
    size_t units = 0;  // the first so many of its units; >= 1

    bool operator==(const Take&) const = default;
  };

  // Indices of the snapshot, ascending. A request is in at most one of the three.
  std::vector<size_t> expired;
  std::vector<size_t> cancelled;
  std::vector<Take> taken;
};

// Takes units in the order of the queue until the next one does not fit in `max_rows`. Nothing
// overtakes: a large request waits no longer than those before it take. The first unit is taken
// whatever its size. Requests past their deadline and cancelled ones are named, not taken.
BatchCut CutBatch(absl::Span<const WaitingRequest> waiting, absl::Time now, int64_t max_rows);

}  // namespace fathom
