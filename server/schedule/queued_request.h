// QueuedRequest: a request from Submit to its answer, cut into (text, task) items.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/time/time.h"
#include "absl/types/span.h"
#include "server/schedule/estimate.h"
#include "server/schedule/fairness.h"
#include "server/schedule/flights.h"
#include "server/schedule/request.h"

namespace fathom {

// When a request came and when it must be answered, as readings of Clock::Steady.
struct RequestTimes {
  absl::Time submitted = absl::InfinitePast();
  absl::Time deadline = absl::InfiniteFuture();
  absl::Duration before;  // from its arrival at the server until it was submitted
};

// From the request's own times, which are the wall's: a wall clock that is set afterwards changes
// nothing any more.
RequestTimes ToSteady(const ScheduledRequest& request, absl::Time wall_now, absl::Time steady_now);

struct QueuedRequest {
  struct Text {
    HashedText text;
    absl::Span<ScheduledTask> tasks;
    std::vector<FlightPtr>
        flights;  // [tasks], from RequestQueue::Add on; null: n is not chosen yet

    int64_t tokens() const { return static_cast<int64_t>(text.text->ids.size()); }
  };

  QueuedRequest(ScheduledRequest request, ScheduledDone when_done, const RequestTimes& at = {});

  bool cancelled() const { return cancel_flag != nullptr && cancel_flag->load(); }
  bool Gone(absl::Time now) const { return times.deadline <= now || cancelled(); }

  // What its flights answered. REQUIRES: all are done.
  std::vector<std::vector<TaskOutput>> Outputs() const;

  std::shared_ptr<std::vector<ScheduledText>> wanted;  // flights keep its texts
  std::vector<Text> texts;
  const RequestTimes times;
  const int priority;
  const std::shared_ptr<const std::atomic<bool>> cancel_flag;  // null: never
  ScheduledDone done;
  RequestEstimate estimate;
  size_t items = 0;
  int64_t rows = 0;  // tokens over all items

  // What of it counts as the queue's length.
  struct Counted {
    int64_t requests = 0;
    int64_t rows = 0;
    double ms = 0;
    double turn_ms = 0;
  };

  // The queue's.
  uint64_t arrival = 0;
  std::shared_ptr<RecentUsage> client;
  std::shared_ptr<RecentUsage> task;
  size_t waiting = 0;                       // items that wait for a pass
  int64_t waiting_rows = 0;                 // of those
  size_t unanswered = 0;                    // items whose flight is not done
  absl::Time since = absl::InfinitePast();  // waits for its next part since then
  double taken_share = 0;                   // what passes have had of it, in full passes
  bool cut = false;                         // a part of it was in a pass: every n is chosen
  Counted counted;
  ScheduledResult result;  // grows pass by pass, without its outputs
};
using QueuedRequestPtr = std::shared_ptr<QueuedRequest>;

}  // namespace fathom
