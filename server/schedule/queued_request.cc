#include "server/schedule/queued_request.h"

#include <utility>

namespace fathom {

QueuedRequest::QueuedRequest(ScheduledRequest request, ScheduledDone when_done)
    : deadline(request.deadline),
      cancel_flag(std::move(request.cancelled)),
      done(std::move(when_done)) {
  texts.reserve(request.texts.size());
  for (ScheduledText& text : request.texts) {
    texts.push_back({.text = HashText(std::move(text.text)), .tasks = std::move(text.tasks)});
    items += texts.back().tasks.size();
    rows += texts.back().tokens() * static_cast<int64_t>(texts.back().tasks.size());
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
