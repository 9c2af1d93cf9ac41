#include "server/schedule/request_queue.h"

#include <algorithm>
#include <set>
#include <utility>

namespace fathom {

void RequestQueue::Add(const QueuedRequestPtr& request) {
  request->arrival = arrivals_++;
  request->unanswered = request->items;
  for (QueuedRequest::Text& text : request->texts) {
    text.flights.reserve(text.tasks.size());
    for (const ScheduledTask& task : text.tasks) {
      text.flights.push_back(flights_.Join(text.text, task, request.get()));
      if (text.flights.back()->state != Flight::State::kWaiting) continue;
      request->waiting += 1;
      length_.rows += text.tokens();
    }
  }
  if (request->waiting > 0) length_.requests += 1;
  requests_.emplace(request->arrival, request);
}

Batch RequestQueue::Take(absl::Time now, int64_t max_rows) {
  // Flights are claimed by the first who wants them and can still be answered.
  absl::flat_hash_set<const Flight*> claimed;
  std::vector<QueuedRequestPtr> queue;
  std::vector<std::vector<WorkUnit>> units;
  std::vector<WaitingRequest> waiting;
  int64_t rows = 0;
  for (const auto& [arrival, request] : requests_) {
    if (request->waiting == 0) continue;
    queue.push_back(request);
    waiting.push_back({.deadline = request->deadline, .cancelled = request->cancelled()});
    units.emplace_back();
    if (waiting.back().Gone(now) || rows > max_rows) continue;  // nothing fits after that
    units.back() = WaitingUnits(*request, max_rows, claimed);
    for (const WorkUnit& unit : units.back()) rows += unit.rows;
  }
  for (size_t i = 0; i < waiting.size(); ++i) waiting[i].units = units[i];
  const BatchCut cut = CutBatch(waiting, now, max_rows);

  Batch batch;
  for (const size_t i : cut.expired) batch.expired.push_back(queue[i]);
  for (const size_t i : cut.cancelled) batch.cancelled.push_back(queue[i]);
  for (const auto* gone : {&batch.expired, &batch.cancelled}) {
    for (const QueuedRequestPtr& request : *gone) Remove(request);
  }
  for (const BatchCut::Take& take : cut.taken) {
    for (const WorkUnit& unit : waiting[take.request].units.first(take.units)) {
      batch.parts.push_back(Start(queue[take.request], unit));
    }
  }
  return batch;
}

std::vector<WorkUnit> RequestQueue::WaitingUnits(
    const QueuedRequest& request, int64_t max_rows,
    absl::flat_hash_set<const Flight*>& claimed) const {
  std::vector<WorkUnit> units;
  for (size_t i = 0; i < request.texts.size(); ++i) {
    const QueuedRequest::Text& text = request.texts[i];
    std::vector<size_t> tasks;
    for (size_t task = 0; task < text.flights.size(); ++task) {
      const Flight* flight = text.flights[task].get();
      if (flight->state == Flight::State::kWaiting && claimed.insert(flight).second) {
        tasks.push_back(task);
      }
    }
    for (WorkUnit& unit : SplitText(i, text.tokens(), tasks, max_rows)) {
      units.push_back(std::move(unit));
    }
  }
  return units;
}

BatchPart RequestQueue::Start(const QueuedRequestPtr& request, const WorkUnit& unit) {
  BatchPart part{.owner = request};
  for (const size_t task : unit.tasks) {
    const FlightPtr& flight = request->texts[unit.text].flights[task];
    flight->state = Flight::State::kRunning;
    for (QueuedRequest* holder : flight->holders) {
      length_.rows -= flight->tokens();
      holder->waiting -= 1;
      if (holder->waiting == 0) length_.requests -= 1;
    }
    part.flights.push_back(flight);
  }
  return part;
}

Answered RequestQueue::Finish(const Batch& batch, PassResult& pass, absl::Duration compute) {
  Answered answered;
  const std::vector<QueuedRequestPtr> holders = HoldersOf(batch);
  for (const QueuedRequestPtr& request : holders) {
    ScheduledResult& result = request->result;
    result.compute += compute;
    result.passes += 1;
    result.largest_pass_texts =
        std::max(result.largest_pass_texts, static_cast<int>(batch.parts.size()));
  }
  for (size_t i = 0; i < batch.parts.size(); ++i) {
    const BatchPart& part = batch.parts[i];
    part.owner->result.work += pass.work[i];
    for (size_t task = 0; task < part.flights.size(); ++task) {
      Flight& flight = *part.flights[task];
      flight.output = std::move(pass.outputs[i][task]);
      for (QueuedRequest* holder : flight.holders) holder->unanswered -= 1;
      answered.deduplicated_items +=
          std::max<int64_t>(0, static_cast<int64_t>(flight.holders.size()) - 1);
      flights_.Finish(flight);
    }
  }
  for (const QueuedRequestPtr& request : holders) {
    if (request->unanswered > 0) continue;
    requests_.erase(request->arrival);
    answered.requests.push_back(request);
  }
  return answered;
}

std::vector<QueuedRequestPtr> RequestQueue::Fail(const Batch& batch) {
  std::vector<QueuedRequestPtr> failed = HoldersOf(batch);
  for (const QueuedRequestPtr& request : failed) Remove(request);
  for (const BatchPart& part : batch.parts) {
    for (const FlightPtr& flight : part.flights) flights_.Finish(*flight);
  }
  return failed;
}

std::vector<QueuedRequestPtr> RequestQueue::TakeCancelled() {
  std::vector<QueuedRequestPtr> cancelled;
  for (const auto& [arrival, request] : requests_) {
    if (request->waiting == request->items && request->cancelled()) cancelled.push_back(request);
  }
  for (const QueuedRequestPtr& request : cancelled) Remove(request);
  return cancelled;
}

void RequestQueue::Remove(const QueuedRequestPtr& request) {
  for (const QueuedRequest::Text& text : request->texts) {
    for (const FlightPtr& flight : text.flights) {
      if (flight->state == Flight::State::kWaiting) length_.rows -= flight->tokens();
      flights_.Leave(*flight, request.get());
    }
  }
  if (request->waiting > 0) length_.requests -= 1;
  requests_.erase(request->arrival);
}

// By arrival, each once.
std::vector<QueuedRequestPtr> RequestQueue::HoldersOf(const Batch& batch) const {
  std::set<uint64_t> arrivals;
  for (const BatchPart& part : batch.parts) {
    for (const FlightPtr& flight : part.flights) {
      for (const QueuedRequest* holder : flight->holders) arrivals.insert(holder->arrival);
    }
  }
  std::vector<QueuedRequestPtr> holders;
  for (const uint64_t arrival : arrivals) holders.push_back(requests_.at(arrival));
  return holders;
}

}  // namespace fathom
