#include "server/schedule/scheduler.h"

#include <string>
#include <utility>

#include "server/schedule/estimate.h"
#include "server/schedule/pass_parts.h"
#include "server/schedule/pass_threads.h"

namespace fathom {
namespace {

absl::Status CheckTexts(absl::Span<const ScheduledText> texts) {
  if (texts.empty()) return absl::InvalidArgumentError("a request without texts");
  for (const ScheduledText& text : texts) {
    if (text.tasks.empty()) return absl::InvalidArgumentError("a text without tasks");
    if (text.text.ids.empty()) return absl::InvalidArgumentError("a text without tokens");
  }
  return absl::OkStatus();
}

absl::Status Expired() {
  return absl::DeadlineExceededError("the deadline passed before the call was answered");
}

absl::Status Cancelled() { return absl::CancelledError("cancelled before the call was answered"); }

}  // namespace

absl::StatusOr<std::unique_ptr<Scheduler>> Scheduler::Create(Engine* engine,
                                                             const SchedulerOptions& options,
                                                             SchedulerObserver* observer,
                                                             DepthChooser* depths,
                                                             const Clock* clock) {
  const absl::Status status = CheckSchedulerOptions(options, engine->encoder().max_tokens);
  if (!status.ok()) return status;
  return std::unique_ptr<Scheduler>(new Scheduler(engine, options, observer, depths, clock));
}

Scheduler::Scheduler(Engine* engine, const SchedulerOptions& options, SchedulerObserver* observer,
                     DepthChooser* depths, const Clock* clock)
    : engine_(engine),
      concurrency_(engine->concurrency()),
      options_(options),
      observer_(observer),
      depths_(depths),
      clock_(clock != nullptr ? clock : SystemTime()),
      rules_(RulesOf(options)),
      queue_(rules_),
      running_(concurrency_.threads) {
  for (int i = 0; i < concurrency_.passes; ++i) workers_.emplace_back([this] { RunWorker(); });
}

Scheduler::~Scheduler() {
  Drain();
  for (std::thread& worker : workers_) worker.join();
}

QueueRules Scheduler::RulesOf(const SchedulerOptions& options) const {
  // A deadline is near when it would be missed behind the pass that runs and the one after it.
  constexpr double kNearPasses = 2;
  constexpr double kPassMs = 100;  // where passes are not bounded by time
  const double pass_ms = options.max_pass_ms > 0 ? options.max_pass_ms : kPassMs;
  return {.pass = {.max_rows = options.max_batch_rows,
                   .max_ms = options.max_pass_ms,
                   .fixed_ms = FixedPassMs(*engine_)},
          .order = {.ageing = absl::Milliseconds(options.ageing_ms),
                    .near = absl::Milliseconds(kNearPasses * pass_ms)},
          .layers = engine_->encoder().layers,
          .depths = depths_};
}

absl::Status Scheduler::Submit(ScheduledRequest request, Done done) {
  const absl::Status status = CheckTexts(request.texts);
  if (!status.ok()) return Refuse({Rejection::kInvalid, status});
  const std::string client = std::move(request.client);
  const RequestTimes times = ToSteady(request, clock_->Wall(), clock_->Steady());
  const auto queued = std::make_shared<QueuedRequest>(std::move(request), std::move(done), times);
  Newcomer newcomer{.rows = queued->rows,
                    .priority = queued->priority,
                    .deadline = times.deadline,
                    .cancelled = queued->cancelled()};
  {
    // First what needs no prediction: under overload that is nearly all.
    std::unique_lock lock(mutex_);
    const std::optional<Refusal> refusal = CheckAdmission(newcomer, clock_->Steady());
    lock.unlock();
    if (refusal.has_value()) return Refuse(*refusal);
  }
  queued->estimate = EstimateRequest(*engine_, *queued->wanted, options_.max_batch_rows,
                                     rules_.pass.fixed_ms, depths_ != nullptr);
  newcomer.least_ms = queued->estimate.least_ms;

  std::unique_lock lock(mutex_);
  const absl::Time now = clock_->Steady();
  const std::optional<Refusal> refusal = CheckAdmission(newcomer, now);
  if (refusal.has_value()) {
    lock.unlock();
    return Refuse(*refusal);
  }
  unanswered_ += 1;
  queue_.Add(queued, client, now);
  ReportQueue();
  work_.notify_one();
  return absl::OkStatus();
}

std::optional<Refusal> Scheduler::CheckAdmission(const Newcomer& newcomer, absl::Time now) const {
  QueueState state{.length = queue_.length(), .draining = draining_};
  if (queue_.has_work()) {
    state.ahead = AheadOf(newcomer, queue_.Waiting(), now, rules_.order, rules_.pass);
  }
  state.running_ms = running_.LeftMs(now);
  return Admit(newcomer, state, now, options_);
}

absl::Status Scheduler::Refuse(const Refusal& refusal) const {
  if (observer_ != nullptr) observer_->OnRejection(refusal.rejection);
  return refusal.status;
}

void Scheduler::DropCancelled() {
  std::vector<QueuedRequestPtr> dropped;
  {
    const std::lock_guard lock(mutex_);
    dropped = queue_.TakeGone(clock_->Steady());
    if (!dropped.empty()) ReportQueue();
  }
  for (const QueuedRequestPtr& request : dropped) RejectGone(*request);
}

void Scheduler::Drain() {
  std::unique_lock lock(mutex_);
  draining_ = true;
  work_.notify_all();
  idle_.wait(lock, [this] { return unanswered_ == 0; });
}

QueueLength Scheduler::queue_length() const {
  const std::lock_guard lock(mutex_);
  return queue_.length();
}

void Scheduler::ReportQueue() const {
  if (observer_ != nullptr) observer_->OnQueue(queue_.length());
  if (depths_ == nullptr) return;
  depths_->OnQueueShare(QueueShare(queue_.length(), queue_.turn_ms(), options_), clock_->Steady());
}

bool Scheduler::MayStartPass() const {
  return queue_.has_work() && ThreadsOfPass(concurrency_, running_.threads(), true) > 0;
}

void Scheduler::RunWorker() {
  for (;;) {
    Batch batch;
    int threads = 0;
    uint64_t pass = 0;
    {
      std::unique_lock lock(mutex_);
      work_.wait(lock, [this] { return MayStartPass() || (draining_ && !queue_.has_work()); });
      if (!queue_.has_work()) return;
      const absl::Time now = clock_->Steady();
      batch =
          queue_.Take(now, {.queue_share = QueueShare(queue_.length(), queue_.turn_ms(), options_),
                            .ahead_ms = running_.LeftMs(now)});
      ReportQueue();
      if (!batch.parts.empty()) {
        threads = ThreadsOfPass(concurrency_, running_.threads(), queue_.has_work());
        pass = running_.Begin(batch.ms, threads, now);
      }
      work_.notify_all();  // for the rest, or to end
    }
    for (const QueuedRequestPtr& request : batch.expired) RejectGone(*request);
    for (const QueuedRequestPtr& request : batch.cancelled) RejectGone(*request);
    if (!batch.parts.empty()) RunBatch(batch, pass, threads);
  }
}

void Scheduler::RunBatch(const Batch& batch, uint64_t pass, int threads) {
  const PassParts parts(batch);
  bool abandoned = false;
  const auto ask = [&] {
    const std::lock_guard lock(mutex_);
    abandoned = queue_.Abandon(batch, clock_->Steady());
    return abandoned;
  };
  const absl::Time start = clock_->Steady();
  absl::StatusOr<PassResult> result =
      engine_->Run(parts.texts(), {.threads = threads, .abandoned = ask});
  const absl::Duration compute = clock_->Steady() - start;
  if (result.ok()) {
    const absl::Status complete = parts.CheckComplete(*result);
    if (!complete.ok()) result = complete;
  }

  Answered answered;
  {
    const std::lock_guard lock(mutex_);
    running_.End(pass);
    if (result.ok()) {
      answered = queue_.Finish(batch, *result, compute);
    } else {
      answered.requests = queue_.Fail(batch);
    }
    ReportQueue();
    work_.notify_all();
  }
  if (result.ok()) {
    ReportPass(batch, *result, answered.deduplicated_items);
    ReportShadows(batch);
  } else if (abandoned && observer_ != nullptr) {
    observer_->OnAbandonedPass();
  }
  for (const QueuedRequestPtr& request : answered.requests) {
    if (result.ok()) {
      request->result.outputs = request->Outputs();
      if (observer_ != nullptr) observer_->OnDepths(*request->wanted, request->result.depths);
      Answer(*request, std::move(request->result));
    } else if (abandoned) {
      RejectGone(*request);
    } else {
      Reject(*request, Rejection::kPassFailed, result.status());
    }
  }
}

void Scheduler::ReportPass(const Batch& batch, const PassResult& pass,
                           int64_t deduplicated_items) const {
  if (observer_ == nullptr) return;
  PassReport report{.rows = pass.rows,
                    .texts = static_cast<int64_t>(batch.parts.size()),
                    .deduplicated_items = deduplicated_items,
                    .predicted_ms = pass.predicted_ms,
                    .actual_ms = pass.actual_ms,
                    .cut_ms = batch.ms,
                    .times = pass.times};
  for (const Work& work : pass.work) report.work += work;
  observer_->OnPass(report);
}

void Scheduler::ReportShadows(const Batch& batch) const {
  if (depths_ == nullptr) return;
  for (const Shadow& shadow : batch.shadows) {
    const Flight& chosen = *shadow.chosen;
    if (!chosen.output.status.ok() || !shadow.at_zero->output.status.ok()) continue;
    depths_->OnShadow(*chosen.task.task, chosen.task.skip_layers, chosen.output,
                      shadow.at_zero->output);
  }
}

void Scheduler::Answer(QueuedRequest& request, absl::StatusOr<ScheduledResult> result) {
  if (result.ok()) {
    result->queue = clock_->Steady() - request.times.submitted - result->compute;
  }
  std::move(request.done)(std::move(result));
  request.done = nullptr;  // what it holds is gone before Drain returns
  const std::lock_guard lock(mutex_);
  unanswered_ -= 1;
  if (unanswered_ == 0) idle_.notify_all();
}

void Scheduler::Reject(QueuedRequest& request, Rejection rejection, absl::Status status) {
  if (observer_ != nullptr) observer_->OnRejection(rejection);
  Answer(request, std::move(status));
}

void Scheduler::RejectGone(QueuedRequest& request) {
  const bool expired = request.times.deadline <= clock_->Steady();
  Reject(request, expired ? Rejection::kExpired : Rejection::kCancelled,
         expired ? Expired() : Cancelled());
}

}  // namespace fathom
