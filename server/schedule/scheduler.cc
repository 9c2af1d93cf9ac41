#include "server/schedule/scheduler.h"

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "server/schedule/batch_policy.h"
#include "server/schedule/pass_parts.h"

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

struct Scheduler::Entry {
  ScheduledRequest request;
  Done done;
  std::vector<WorkUnit> units;
  int64_t rows = 0;
  SteadyClock::time_point submitted;

  size_t taken_units = 0;  // guarded by the scheduler's mutex_
  ScheduledResult result;  // touched by the worker alone

  bool cancelled() const { return request.cancelled != nullptr && request.cancelled->load(); }
  absl::Span<const WorkUnit> waiting_units() const {
    return absl::MakeConstSpan(units).subspan(taken_units);
  }
};

struct Scheduler::Batch {
  struct Part {
    EntryPtr entry;
    absl::Span<const WorkUnit> units;
    bool last = false;  // the entry has no units after these
  };

  std::vector<EntryPtr> expired;
  std::vector<EntryPtr> cancelled;
  std::vector<Part> parts;
};

absl::StatusOr<std::unique_ptr<Scheduler>> Scheduler::Create(Engine* engine,
                                                             const SchedulerOptions& options,
                                                             SchedulerObserver* observer) {
  const absl::Status status = CheckOptions(options, engine->encoder().max_tokens);
  if (!status.ok()) return status;
  return std::unique_ptr<Scheduler>(new Scheduler(engine, options, observer));
}

Scheduler::Scheduler(Engine* engine, const SchedulerOptions& options, SchedulerObserver* observer)
    : engine_(engine), options_(options), observer_(observer), worker_([this] { RunWorker(); }) {}

Scheduler::~Scheduler() {
  Drain();
  worker_.join();
}

absl::Status Scheduler::Submit(ScheduledRequest request, Done done) {
  const absl::Status status = CheckTexts(request.texts);
  if (!status.ok()) return status;

  auto entry = std::make_shared<Entry>();
  entry->submitted = SteadyClock::now();
  entry->result.outputs.resize(request.texts.size());
  for (size_t i = 0; i < request.texts.size(); ++i) {
    const ScheduledText& text = request.texts[i];
    entry->result.outputs[i].resize(text.tasks.size());
    for (const WorkUnit& unit : SplitText(i, static_cast<int64_t>(text.text.ids.size()),
                                          text.tasks.size(), options_.max_batch_rows)) {
      entry->units.push_back(unit);
      entry->rows += unit.rows;
    }
  }
  entry->request = std::move(request);
  entry->done = std::move(done);

  const std::lock_guard lock(mutex_);
  const absl::Status admitted = Admit(*entry);
  if (!admitted.ok()) return admitted;
  length_.requests += 1;
  length_.rows += entry->rows;
  unanswered_ += 1;
  queue_.push_back(std::move(entry));
  ReportQueue();
  work_.notify_one();
  return absl::OkStatus();
}

absl::Status Scheduler::Admit(const Entry& entry) const {
  if (draining_) return absl::UnavailableError("the server is shutting down");
  if (entry.request.deadline <= absl::Now()) return TooLate();
  if (entry.cancelled()) return Cancelled();
  if (entry.rows > options_.max_queue_rows) {
    return absl::InvalidArgumentError(absl::StrCat(
        "the call has ", entry.rows, " tokens (each counted once a task), more than the queue's ",
        options_.max_queue_rows, "; send fewer inputs or tasks a call"));
  }
  if (length_.requests >= options_.max_queue_requests) {
    return absl::ResourceExhaustedError(
        absl::StrCat("the queue is full: ", length_.requests, " calls wait, the limit is ",
                     options_.max_queue_requests, "; try again later"));
  }
  if (length_.rows + entry.rows > options_.max_queue_rows) {
    return absl::ResourceExhaustedError(
        absl::StrCat("the queue is full: ", length_.rows,
                     " tokens (each counted once a task) wait, the call has ", entry.rows,
                     " and the limit is ", options_.max_queue_rows, "; try again later"));
  }
  return absl::OkStatus();
}

void Scheduler::DropCancelled() {
  std::vector<EntryPtr> dropped;
  {
    const std::lock_guard lock(mutex_);
    for (const EntryPtr& entry : queue_) {
      // One that is in the running pass in part is left to the thread that runs it.
      if (entry->taken_units > 0 || !entry->cancelled()) continue;
      entry->taken_units = entry->units.size();
      dropped.push_back(entry);
    }
    if (!dropped.empty()) DropTaken();
  }
  for (const EntryPtr& entry : dropped) Answer(*entry, Cancelled());
}

void Scheduler::Drain() {
  std::unique_lock lock(mutex_);
  draining_ = true;
  work_.notify_all();
  idle_.wait(lock, [this] { return unanswered_ == 0; });
}

QueueLength Scheduler::queue_length() const {
  const std::lock_guard lock(mutex_);
  return length_;
}

void Scheduler::ReportQueue() const {
  if (observer_ != nullptr) observer_->OnQueue(length_);
}

void Scheduler::RunWorker() {
  for (;;) {
    Batch batch;
    {
      std::unique_lock lock(mutex_);
      work_.wait(lock, [this] { return !queue_.empty() || draining_; });
      if (queue_.empty()) return;
      batch = TakeBatch();
    }
    for (const EntryPtr& entry : batch.expired) Answer(*entry, TooLate());
    for (const EntryPtr& entry : batch.cancelled) Answer(*entry, Cancelled());
    if (!batch.parts.empty()) RunBatch(batch);
  }
}

Scheduler::Batch Scheduler::TakeBatch() {
  std::vector<WaitingRequest> waiting;
  waiting.reserve(queue_.size());
  for (const EntryPtr& entry : queue_) {
    waiting.push_back({.units = entry->waiting_units(),
                       .deadline = entry->request.deadline,
                       .cancelled = entry->cancelled()});
  }
  const BatchCut cut = CutBatch(waiting, absl::Now(), options_.max_batch_rows);

  Batch batch;
  for (const size_t i : cut.expired) {
    batch.expired.push_back(queue_[i]);
    queue_[i]->taken_units = queue_[i]->units.size();
  }
  for (const size_t i : cut.cancelled) {
    batch.cancelled.push_back(queue_[i]);
    queue_[i]->taken_units = queue_[i]->units.size();
  }
  for (const BatchCut::Take& take : cut.taken) {
    const EntryPtr& entry = queue_[take.request];
    batch.parts.push_back({.entry = entry, .units = entry->waiting_units().subspan(0, take.units)});
    entry->taken_units += take.units;
    batch.parts.back().last = entry->waiting_units().empty();
  }
  DropTaken();
  return batch;
}

void Scheduler::DropTaken() {
  std::erase_if(queue_, [](const EntryPtr& entry) { return entry->waiting_units().empty(); });
  length_ = {};
  for (const EntryPtr& entry : queue_) {
    length_.requests += 1;
    for (const WorkUnit& unit : entry->waiting_units()) length_.rows += unit.rows;
  }
  ReportQueue();
}

void Scheduler::RunBatch(const Batch& batch) {
  PassParts parts;
  for (const Batch::Part& part : batch.parts) parts.Add(part.entry->request, part.units);

  const SteadyClock::time_point start = SteadyClock::now();
  absl::StatusOr<PassResult> pass = engine_->Run(parts.texts(), {});
  const absl::Duration compute = absl::FromChrono(SteadyClock::now() - start);
  if (pass.ok()) {
    const absl::Status complete = parts.CheckComplete(*pass);
    if (!complete.ok()) pass = complete;
  }
  if (!pass.ok()) {
    Fail(batch, pass.status());
    return;
  }

  PassReport report{.rows = pass->rows, .texts = static_cast<int64_t>(parts.texts().size())};
  size_t next_text = 0;
  for (const Batch::Part& part : batch.parts) {
    ScheduledResult& result = part.entry->result;
    next_text = DeliverUnits(*pass, next_text, part.units, result);
    result.compute += compute;
    result.passes += 1;
    result.largest_pass_texts = std::max(result.largest_pass_texts, static_cast<int>(report.texts));
  }
  for (const Work& work : pass->work) report.work += work;
  if (observer_ != nullptr) observer_->OnPass(report);
  for (const Batch::Part& part : batch.parts) {
    if (part.last) Answer(*part.entry, std::move(part.entry->result));
  }
}

void Scheduler::Fail(const Batch& batch, const absl::Status& status) {
  {
    const std::lock_guard lock(mutex_);
    for (const Batch::Part& part : batch.parts) part.entry->taken_units = part.entry->units.size();
    DropTaken();
  }
  for (const Batch::Part& part : batch.parts) Answer(*part.entry, status);
}

void Scheduler::Answer(Entry& entry, absl::StatusOr<ScheduledResult> result) {
  if (result.ok()) {
    result->queue = absl::FromChrono(SteadyClock::now() - entry.submitted) - result->compute;
  }
  std::move(entry.done)(std::move(result));
  entry.done = nullptr;  // what it holds is gone before Drain returns
  const std::lock_guard lock(mutex_);
  unanswered_ -= 1;
  if (unanswered_ == 0) idle_.notify_all();
}

}  // namespace fathom
