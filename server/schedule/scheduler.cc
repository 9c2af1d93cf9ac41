#include "server/schedule/scheduler.h"

#include <chrono>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "server/schedule/pass_parts.h"
#include "server/schedule/pass_threads.h"

namespace fathom {
namespace {

using SteadyClock = std::chrono::steady_clock;

absl::Status CheckOptions(const SchedulerOptions& options, int max_tokens) {
  if (options.max_queue_requests < 1) {
    return absl::InvalidArgumentError(absl::StrCat(
        "max_queue_requests is ", options.max_queue_requests, "; it must be at least 1"));
  }
  if (options.max_batch_rows < max_tokens) {
    return absl::InvalidArgumentError(absl::StrCat("max_batch_rows is ", options.max_batch_rows,
                                                   "; it must be at least ", max_tokens,
                                                   ", the encoder's longest text"));
  }
  if (options.max_queue_rows < options.max_batch_rows) {
    return absl::InvalidArgumentError(absl::StrCat("max_queue_rows is ", options.max_queue_rows,
                                                   "; it must be at least ", options.max_batch_rows,
                                                   ", max_batch_rows"));
  }
  return absl::OkStatus();
}

absl::Status CheckTexts(absl::Span<const ScheduledText> texts) {
  if (texts.empty()) return absl::InvalidArgumentError("a request without texts");
  for (const ScheduledText& text : texts) {
    if (text.tasks.empty()) return absl::InvalidArgumentError("a text without tasks");
    if (text.text.ids.empty()) return absl::InvalidArgumentError("a text without tokens");
  }
  return absl::OkStatus();
}

absl::Status TooLate() {
  return absl::DeadlineExceededError("the deadline passed before the call was run");
}

absl::Status Cancelled() { return absl::CancelledError("cancelled before the call was run"); }

}  // namespace

absl::StatusOr<std::unique_ptr<Scheduler>> Scheduler::Create(Engine* engine,
                                                             const SchedulerOptions& options,
                                                             SchedulerObserver* observer) {
  const absl::Status status = CheckOptions(options, engine->encoder().max_tokens);
  if (!status.ok()) return status;
  return std::unique_ptr<Scheduler>(new Scheduler(engine, options, observer));
}

Scheduler::Scheduler(Engine* engine, const SchedulerOptions& options, SchedulerObserver* observer)
    : engine_(engine), concurrency_(engine->concurrency()), options_(options), observer_(observer) {
  for (int i = 0; i < concurrency_.passes; ++i) workers_.emplace_back([this] { RunWorker(); });
}

Scheduler::~Scheduler() {
  Drain();
  for (std::thread& worker : workers_) worker.join();
}

absl::Status Scheduler::Submit(ScheduledRequest request, Done done) {
  const absl::Status status = CheckTexts(request.texts);
  if (!status.ok()) return status;
  const auto queued = std::make_shared<QueuedRequest>(std::move(request), std::move(done));

  const std::lock_guard lock(mutex_);
  const absl::Status admitted = Admit(*queued);
  if (!admitted.ok()) return admitted;
  unanswered_ += 1;
  queue_.Add(queued);
  ReportQueue();
  work_.notify_one();
  return absl::OkStatus();
}

absl::Status Scheduler::Admit(const QueuedRequest& request) const {
  const QueueLength& length = queue_.length();
  if (draining_) return absl::UnavailableError("the server is shutting down");
  if (request.deadline <= absl::Now()) return TooLate();
  if (request.cancelled()) return Cancelled();
  if (request.rows > options_.max_queue_rows) {
    return absl::InvalidArgumentError(absl::StrCat(
        "the call has ", request.rows, " tokens (each counted once a task), more than the queue's ",
        options_.max_queue_rows, "; send fewer inputs or tasks a call"));
  }
  if (length.requests >= options_.max_queue_requests) {
    return absl::ResourceExhaustedError(
        absl::StrCat("the queue is full: ", length.requests, " calls wait, the limit is ",
                     options_.max_queue_requests, "; try again later"));
  }
  if (length.rows + request.rows > options_.max_queue_rows) {
    return absl::ResourceExhaustedError(
        absl::StrCat("the queue is full: ", length.rows,
                     " tokens (each counted once a task) wait, the call has ", request.rows,
                     " and the limit is ", options_.max_queue_rows, "; try again later"));
  }
  return absl::OkStatus();
}

void Scheduler::DropCancelled() {
  std::vector<QueuedRequestPtr> dropped;
  {
    const std::lock_guard lock(mutex_);
    dropped = queue_.TakeCancelled();
    if (!dropped.empty()) ReportQueue();
  }
  for (const QueuedRequestPtr& request : dropped) Answer(*request, Cancelled());
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
}

bool Scheduler::MayStartPass() const {
  return queue_.has_work() && ThreadsOfPass(concurrency_, threads_in_use_, true) > 0;
}

void Scheduler::RunWorker() {
  for (;;) {
    Batch batch;
    int threads = 0;
    {
      std::unique_lock lock(mutex_);
      work_.wait(lock, [this] { return MayStartPass() || (draining_ && !queue_.has_work()); });
      if (!queue_.has_work()) return;
      batch = queue_.Take(absl::Now(), options_.max_batch_rows);
      ReportQueue();
      if (!batch.parts.empty()) {
        threads = ThreadsOfPass(concurrency_, threads_in_use_, queue_.has_work());
        threads_in_use_ += threads;
      }
      work_.notify_all();  // for the rest, or to end
    }
    for (const QueuedRequestPtr& request : batch.expired) Answer(*request, TooLate());
    for (const QueuedRequestPtr& request : batch.cancelled) Answer(*request, Cancelled());
    if (!batch.parts.empty()) RunBatch(batch, threads);
  }
}

void Scheduler::RunBatch(const Batch& batch, int threads) {
  const PassParts parts(batch);
  const SteadyClock::time_point start = SteadyClock::now();
  absl::StatusOr<PassResult> pass = engine_->Run(parts.texts(), {.threads = threads});
  const absl::Duration compute = absl::FromChrono(SteadyClock::now() - start);
  if (pass.ok()) {
    const absl::Status complete = parts.CheckComplete(*pass);
    if (!complete.ok()) pass = complete;
  }

  Answered answered;
  {
    const std::lock_guard lock(mutex_);
    threads_in_use_ -= threads;
    if (pass.ok()) {
      answered = queue_.Finish(batch, *pass, compute);
    } else {
      answered.requests = queue_.Fail(batch);
    }
    ReportQueue();
    work_.notify_all();
  }
  if (pass.ok()) ReportPass(*pass, parts.texts().size(), answered.deduplicated_items);
  for (const QueuedRequestPtr& request : answered.requests) {
    if (!pass.ok()) {
      Answer(*request, pass.status());
      continue;
    }
    request->result.outputs = request->Outputs();
    Answer(*request, std::move(request->result));
  }
}

void Scheduler::ReportPass(const PassResult& pass, size_t texts, int64_t deduplicated_items) const {
  if (observer_ == nullptr) return;
  PassReport report{.rows = pass.rows,
                    .texts = static_cast<int64_t>(texts),
                    .deduplicated_items = deduplicated_items,
                    .predicted_ms = pass.predicted_ms,
                    .actual_ms = pass.actual_ms};
  for (const Work& work : pass.work) report.work += work;
  observer_->OnPass(report);
}

void Scheduler::Answer(QueuedRequest& request, absl::StatusOr<ScheduledResult> result) {
  if (result.ok()) {
    result->queue = absl::FromChrono(SteadyClock::now() - request.submitted) - result->compute;
  }
  std::move(request.done)(std::move(result));
  request.done = nullptr;  // what it holds is gone before Drain returns
  const std::lock_guard lock(mutex_);
  unanswered_ -= 1;
  if (unanswered_ == 0) idle_.notify_all();
}

}  // namespace fathom
