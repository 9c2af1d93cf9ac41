// DepthChooser: who decides the n of a call's tasks when its first part is put into a pass. The
// scheduler asks; it does not know how depths are chosen.
#pragma once

#include <vector>

#include "absl/time/time.h"
#include "absl/types/span.h"
#include "runtime/depth/depth_choice.h"
#include "server/schedule/request.h"

namespace fathom {

// The scheduler at the moment of the cut.
struct CutMoment {
  absl::Duration waited;   // of the call: from its arrival at the server to now
  double queue_share = 0;  // of the queue's limits that is in use, 0 … 1: the largest of the three
  double ahead_ms = 0;     // predicted, of passes that run and of what else is in the call's own:
                           // its answer waits for the whole pass
};

// Any thread.
class DepthChooser {
 public:
  virtual ~DepthChooser() = default;

  // n of every task of a call, [texts][tasks]. The scheduler calls it once for each call of which
  // an n is open, with its lock held, so it must be quick (well under a millisecond) and must not
  // call the scheduler. Exact choices come back as they are.
  virtual std::vector<std::vector<ChosenDepth>> Choose(absl::Span<const ScheduledText> texts,
                                                       const CutMoment& moment) = 0;

  // A shadow's outcome: what the task answered at n and at n = 0 for the same text in the same
  // pass.
  virtual void OnShadow(const ServableTask& task, int skip_layers, const TaskOutput& chosen,
                        const TaskOutput& at_zero) = 0;

  // The share of the queue's limits in use, at least whenever it changes. For brown-out. With the
  // scheduler's lock held, as Choose. `now` is a reading of Clock::Steady.
  virtual void OnQueueShare(double share, absl::Time now) = 0;
};

}  // namespace fathom
