// Scheduler: a bounded queue and the one thread that runs passes over an Engine.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "runtime/engine.h"
#include "server/schedule/request.h"

namespace fathom {

// A row here is one token of one (text, task): what a call's work is measured in before it is
// planned.
struct SchedulerOptions {
  int64_t max_queue_requests = 1024;
  int64_t max_queue_rows = 1 << 18;
  int64_t max_batch_rows = 4096;  // of one pass; at least the encoder's longest text
};

// What waits, the running pass not included.
struct QueueLength {
  int64_t requests = 0;
  int64_t rows = 0;
};

struct PassReport {
  int64_t rows = 0;  // largest packed block
  int64_t texts = 0;
  Work work = {};
};

// Told of what happens, for metrics. Called on the scheduler's and on submitting threads, so it
// must be safe to call from several at once, must return soon and must not call the scheduler.
class SchedulerObserver {
 public:
  virtual ~SchedulerObserver() = default;
  virtual void OnQueue(const QueueLength& length) = 0;
  virtual void OnPass(const PassReport& report) = 0;
};

class Scheduler {
 public:
  // Called exactly once for each accepted request, on the scheduler's thread or, for a cancelled
  // one, in DropCancelled. It must return soon and must not call Drain.
  using Done = absl::AnyInvocable<void(absl::StatusOr<ScheduledResult>) &&>;

  // `engine` and `observer` (may be null) must outlive the scheduler. INVALID_ARGUMENT names an
  // option that cannot work.
  static absl::StatusOr<std::unique_ptr<Scheduler>> Create(Engine* engine,
                                                           const SchedulerOptions& options,
                                                           SchedulerObserver* observer = nullptr);

  // Drains.
  ~Scheduler();
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  // Any thread; never blocks on a pass. Without error `done` will be called; with one it never is:
  //   INVALID_ARGUMENT    no text, a text without tasks or tokens, or more rows than the queue
  //   holds RESOURCE_EXHAUSTED  the queue is full; names the limit UNAVAILABLE         draining
  //   DEADLINE_EXCEEDED, CANCELLED  too late already
  // `done` gets DEADLINE_EXCEEDED or CANCELLED if that came true while the request waited, and the
  // engine's error if one of its passes failed.
  absl::Status Submit(ScheduledRequest request, Done done);

  // Any thread. Answers the cancelled requests that wait whole, so that they hold no place in the
  // queue until the running pass ends. Without it they are dropped when the next pass is formed.
  void DropCancelled();

  // Any thread but the scheduler's. Refuses new requests, and returns when everything accepted has
  // been answered. May be called more than once.
  void Drain();

  QueueLength queue_length() const;

 private:
  struct Entry;
  struct Batch;
  using EntryPtr = std::shared_ptr<Entry>;

  Scheduler(Engine* engine, const SchedulerOptions& options, SchedulerObserver* observer);

  void RunWorker();
  void RunBatch(const Batch& batch);
  void Fail(const Batch& batch, const absl::Status& status);
  void Answer(Entry& entry, absl::StatusOr<ScheduledResult> result);

  // REQUIRES for these: mutex_ held.
  absl::Status Admit(const Entry& entry) const;
  Batch TakeBatch();
  void DropTaken();  // from the queue, what has no units left
  void ReportQueue() const;

  Engine* const engine_;
  const SchedulerOptions options_;
  SchedulerObserver* const observer_;

  mutable std::mutex mutex_;      // guards what follows, but for the thread
  std::condition_variable work_;  // queue_ not empty, or draining_
  std::condition_variable idle_;  // unanswered_ is 0
  std::deque<EntryPtr> queue_;    // by arrival; each has units not yet taken
  QueueLength length_;
  int64_t unanswered_ = 0;
  bool draining_ = false;

  std::thread worker_;  // last: it uses the members above
};

}  // namespace fathom
