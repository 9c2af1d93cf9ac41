#include "server/schedule/request_queue.h"

#include <algorithm>
#include <set>
#include <string_view>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "server/schedule/chosen_depths.h"

namespace fathom {
namespace {

// The task that a request is charged to: the first it names.
std::string_view TaskName(const QueuedRequest& request) {
  if (request.texts.empty() || request.texts[0].tasks.empty()) return {};
  const auto& task = request.texts[0].tasks[0].task;
  return task == nullptr ? std::string_view() : task->info().name;
}

}  // namespace

void RequestQueue::Add(const QueuedRequestPtr& request, const std::string& client, absl::Time now) {
  request->arrival = arrivals_++;
  request->client = clients_.Find(client, now);
  request->task = tasks_.Find(absl::StrCat(client, "\n", std::string(TaskName(*request))), now);
  request->result.depths = DefaultDepths(*request->wanted);
  SetDepths(request->result.depths, absl::MakeSpan(*request->wanted));
  request->unanswered = request->items;
  request->waiting = request->items;
  request->waiting_rows = request->rows;
  for (QueuedRequest::Text& text : request->texts) text.flights.resize(text.tasks.size());
  Join(*request);
  Recount(*request);
  requests_.emplace(request->arrival, request);
}

// Joins the flights of all items whose n is known.
void RequestQueue::Join(QueuedRequest& request) {
  const bool all = request.cut || rules_.depths == nullptr;
  for (QueuedRequest::Text& text : request.texts) {
    for (size_t i = 0; i < text.tasks.size(); ++i) {
      FlightPtr& flight = text.flights[i];
      if (flight != nullptr || (!all && !IsExact(text.tasks[i]))) continue;
      flight = flights_.Join(text.text, text.tasks[i], &request);
      if (flight->state != Flight::State::kWaiting) NoLongerWaits(request, text.tokens());
    }
  }
}

Batch RequestQueue::Take(absl::Time now, const CutMoment& moment) {
  std::vector<QueuedRequestPtr> queue;
  std::vector<WaitingRequest> waiting;
  for (const auto& [arrival, request] : requests_) {
    if (request->waiting == 0) continue;
    queue.push_back(request);
    waiting.push_back(Describe(*request));
    waiting.back().client.usage = request->client->At(now);
    waiting.back().task.usage = request->task->At(now);
  }
  absl::flat_hash_map<size_t, std::vector<WorkUnit>> units;
  const BatchCut cut = CutBatch(
      waiting, [&](size_t i) { return units[i] = WaitingUnits(*queue[i], rules_.pass.max_rows); },
      now, rules_.order, rules_.pass);

  Batch batch{.ms = cut.ms, .rows = cut.rows};
  passes_ += 1;
  for (const size_t i : cut.expired) batch.expired.push_back(queue[i]);
  for (const size_t i : cut.cancelled) batch.cancelled.push_back(queue[i]);
  for (const auto* gone : {&batch.expired, &batch.cancelled}) {
    for (const QueuedRequestPtr& request : *gone) Remove(request);
  }
  std::vector<FlightPtr> shadowed;
  for (const BatchCut::Take& take : cut.taken) {
    const QueuedRequestPtr& request = queue[take.request];
    if (!request->cut) {
      CutMoment own = moment;
      own.waited = now - request->times.submitted + request->times.before;
      own.ahead_ms += std::max(0.0, cut.ms - rules_.pass.fixed_ms - take.ms);
      Begin(*request, own);
    }
    for (const WorkUnit& unit : absl::MakeConstSpan(units.at(take.request)).first(take.units)) {
      BatchPart part = Start(request, unit, shadowed);
      if (!part.flights.empty()) batch.parts.push_back(std::move(part));
    }
    request->since = now;
    request->taken_share += take.share;
    request->client->Add(take.share, now);
    request->task->Add(take.share, now);
    Recount(*request);
  }
  AddShadows(shadowed, batch);
  return batch;
}

WaitingRequest RequestQueue::Describe(const QueuedRequest& request) const {
  const double ms = request.estimate.row_ms * static_cast<double>(request.waiting_rows);
  return {.priority = request.priority,
          .since = request.since,
          .deadline = request.times.deadline,
          .cancelled = request.cancelled(),
          .ms = ms,
          .waiting_share = rules_.pass.ShareOf(request.waiting_rows, ms),
          .taken_share = request.taken_share,
          .client = {.id = request.client->id()},
          .task = {.id = request.task->id()}};
}

std::vector<WaitingRequest> RequestQueue::Waiting() const {
  std::vector<WaitingRequest> waiting;
  for (const auto& [arrival, request] : requests_) {
    if (request->waiting > 0) waiting.push_back(Describe(*request));
  }
  return waiting;
}

// In order, and no more than a pass may hold.
std::vector<WorkUnit> RequestQueue::WaitingUnits(const QueuedRequest& request, int64_t max_rows) {
  std::vector<WorkUnit> units;
  absl::flat_hash_set<uint64_t> seen;
  int64_t rows = 0;
  for (size_t i = 0; i < request.texts.size() && rows <= max_rows; ++i) {
    const QueuedRequest::Text& text = request.texts[i];
    WorkUnit whole{.text = i, .tokens = text.tokens(), .row_ms = request.estimate.row_ms};
    for (size_t task = 0; task < text.flights.size(); ++task) {
      const Flight* flight = text.flights[task].get();
      if (flight == nullptr) {
        whole.items.push_back({.task = task});
      } else if (flight->state == Flight::State::kWaiting && seen.insert(flight->id).second) {
        whole.items.push_back({.task = task, .flight = flight->id});
      }
    }
    rows += whole.rows();
    for (WorkUnit& unit : SplitText(whole, max_rows)) units.push_back(std::move(unit));
  }
  return units;
}

void RequestQueue::Begin(QueuedRequest& request, const CutMoment& moment) {
  request.cut = true;
  if (rules_.depths == nullptr || !AnyOpen(*request.wanted)) return;
  DepthTable& depths = request.result.depths;
  depths = AskForDepths(*rules_.depths, *request.wanted, moment, rules_.layers);
  SetDepths(depths, absl::MakeSpan(*request.wanted));
  Join(request);
}

BatchPart RequestQueue::Start(const QueuedRequestPtr& request, const WorkUnit& unit,
                              std::vector<FlightPtr>& shadowed) {
  BatchPart part{.owner = request};
  for (const WorkItem& item : unit.items) {
    const FlightPtr& flight = request->texts[unit.text].flights[item.task];
    if (flight->state != Flight::State::kWaiting) continue;  // an earlier unit holds it
    StartFlight(flight);
    part.flights.push_back(flight);
    const ChosenDepth& depth = request->result.depths[unit.text][item.task];
    if (depth.shadow && depth.skip_layers > 0) shadowed.push_back(flight);
  }
  return part;
}

void RequestQueue::StartFlight(const FlightPtr& flight) {
  flight->state = Flight::State::kRunning;
  flight->pass = passes_;
  for (QueuedRequest* holder : flight->holders) {
    NoLongerWaits(*holder, flight->tokens());
    Recount(*holder);
  }
}

// The n = 0 beside the chosen n, where it fits and does not run elsewhere already.
void RequestQueue::AddShadows(const std::vector<FlightPtr>& chosen, Batch& batch) {
  for (const FlightPtr& flight : chosen) {
    if (batch.rows + flight->tokens() > rules_.pass.max_rows) return;
    ScheduledTask at_zero = flight->task;
    at_zero.skip_layers = 0;
    const FlightPtr shadow = flights_.FindOrAdd(flight->text, at_zero);
    if (shadow->state == Flight::State::kWaiting) {
      QueuedRequestPtr owner;
      if (!shadow->holders.empty()) owner = requests_.at(shadow->holders.front()->arrival);
      StartFlight(shadow);
      batch.parts.push_back({.owner = std::move(owner), .flights = {shadow}});
      batch.rows += shadow->tokens();
    }
    if (shadow->pass == passes_) batch.shadows.push_back({.chosen = flight, .at_zero = shadow});
  }
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
    if (part.owner != nullptr) part.owner->result.work += pass.work[i];
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

bool RequestQueue::Abandon(const Batch& batch, absl::Time now) {
  for (const BatchPart& part : batch.parts) {
    for (const FlightPtr& flight : part.flights) {
      for (const QueuedRequest* holder : flight->holders) {
        if (!holder->Gone(now)) return false;
      }
    }
  }
  for (const BatchPart& part : batch.parts) {
    for (const FlightPtr& flight : part.flights) flights_.Forget(*flight);
  }
  return true;
}

std::vector<QueuedRequestPtr> RequestQueue::TakeGone(absl::Time now) {
  std::vector<QueuedRequestPtr> gone;
  for (const auto& [arrival, request] : requests_) {
    if (request->waiting == request->items && request->Gone(now)) gone.push_back(request);
  }
  for (const QueuedRequestPtr& request : gone) Remove(request);
  return gone;
}

void RequestQueue::Remove(const QueuedRequestPtr& request) {
  for (const QueuedRequest::Text& text : request->texts) {
    for (const FlightPtr& flight : text.flights) {
      if (flight != nullptr) flights_.Leave(*flight, request.get());
    }
  }
  request->waiting = 0;
  request->waiting_rows = 0;
  Recount(*request);
  requests_.erase(request->arrival);
}

void RequestQueue::NoLongerWaits(QueuedRequest& request, int64_t tokens) {
  request.waiting -= 1;
  request.waiting_rows -= tokens;
}

// Brings the queue's length up to date with what waits of the request.
void RequestQueue::Recount(QueuedRequest& request) {
  QueuedRequest::Counted now;
  if (request.waiting > 0) {
    const double ms = request.estimate.row_ms * static_cast<double>(request.waiting_rows);
    now = {.requests = 1,
           .rows = request.waiting_rows,
           .ms = ms,
           .turn_ms = TurnMs(ms, rules_.pass.ShareOf(request.waiting_rows, ms))};
  }
  length_.requests += now.requests - request.counted.requests;
  length_.rows += now.rows - request.counted.rows;
  length_.ms += now.ms - request.counted.ms;
  turn_ms_ += now.turn_ms - request.counted.turn_ms;
  request.counted = now;
  if (length_.requests > 0) return;
  length_.ms = 0;  // without what rounding left
  turn_ms_ = 0;
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
