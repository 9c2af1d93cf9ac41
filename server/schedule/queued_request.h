// QueuedRequest: a request from Submit to its answer, cut into (text, task) items.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "server/schedule/flights.h"
#include "server/schedule/request.h"

namespace fathom {

struct QueuedRequest {
  struct Text {
    HashedText text;
    std::vector<ScheduledTask> tasks;
    std::vector<FlightPtr> flights;  // [tasks], from RequestQueue::Add on

    int64_t tokens() const { return static_cast<int64_t>(text.text->ids.size()); }
  };

  QueuedRequest(ScheduledRequest request, ScheduledDone when_done);

  bool cancelled() const { return cancel_flag != nullptr && cancel_flag->load(); }

  // What its flights answered. REQUIRES: all are done.
  std::vector<std::vector<TaskOutput>> Outputs() const;

  std::vector<Text> texts;
  const absl::Time deadline;
  const std::shared_ptr<const std::atomic<bool>> cancel_flag;  // null: never
  ScheduledDone done;
  const std::chrono::steady_clock::time_point submitted = std::chrono::steady_clock::now();
  size_t items = 0;
  int64_t rows = 0;  // tokens over all items

  // The queue's.
  uint64_t arrival = 0;
  size_t waiting = 0;      // items whose flight waits for a pass
  size_t unanswered = 0;   // items whose flight is not done
  ScheduledResult result;  // grows pass by pass, without its outputs
};
using QueuedRequestPtr = std::shared_ptr<QueuedRequest>;

}  // namespace fathom
