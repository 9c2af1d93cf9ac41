#include "server/schedule/queued_request.h"

#include <algorithm>
#include <utility>

namespace fathom {

RequestTimes ToSteady(const ScheduledRequest& request, absl::Time wall_now, absl::Time steady_now) {
  RequestTimes times{.submitted = steady_now};
  // An infinite deadline stays infinite.
  times.deadline = steady_now + (request.deadline - wall_now);
  if (request.arrival != absl::InfinitePast()) {
    times.before = std::max(absl::ZeroDuration(), wall_now - request.arrival);
  }
  return times;
}

QueuedRequest::QueuedRequest(ScheduledRequest request, ScheduledDone when_done,
                             const RequestTimes& at)
    : wanted(std::make_shared<std::vector<ScheduledText>>(std::move(request.texts))),
      times(at),
      priority(std::clamp(request.priority, 0, 9)),
      cancel_flag(std::move(request.cancelled)),
      done(std::move(when_done)),
      since(at.submitted) {
  texts.reserve(wanted->size());
  for (ScheduledText& text : *wanted) {
    texts.push_back({.text = HashText({wanted, &text.text}), .tasks = absl::MakeSpan(text.tasks)});
    items += text.tasks.size();
    rows += texts.back().tokens() * static_cast<int64_t>(text.tasks.size());
  }
}

std::vector<std::vector<TaskOutput>> QueuedRequest::Outputs() const {
  std::vector<std::vector<TaskOutput>> outputs;
  outputs.reserve(texts.size());
  for (const Text& text : texts) {
    std::vector<TaskOutput>& of_text = outputs.emplace_back();
    of_text.reserve(text.flights.size());
    for (const FlightPtr& flight : text.flights) of_text.push_back(flight->output);
  }
  return outputs;
}

}  // namespace fathom
