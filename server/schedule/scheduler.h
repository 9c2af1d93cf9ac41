// Scheduler: a bounded queue and the threads that run passes over an Engine, as many at once as it
// permits.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "runtime/engine.h"
#include "server/schedule/admission.h"
#include "server/schedule/clock.h"
#include "server/schedule/depth_chooser.h"
#include "server/schedule/observer.h"
#include "server/schedule/options.h"
#include "server/schedule/request.h"
#include "server/schedule/request_queue.h"
#include "server/schedule/running_passes.h"

namespace fathom {

class Scheduler {
 public:
  // Called exactly once for each accepted request, on one of the scheduler's threads or, for a
  // cancelled one, in DropCancelled. It must return soon and must not call Drain.
  using Done = ScheduledDone;

  // All must outlive the scheduler. Without `depths` an automatic n is the task's default, without
  // `clock` the time is the system's. INVALID_ARGUMENT names an option that cannot work.
  static absl::StatusOr<std::unique_ptr<Scheduler>> Create(Engine* engine,
                                                           const SchedulerOptions& options,
                                                           SchedulerObserver* observer = nullptr,
                                                           DepthChooser* depths = nullptr,
                                                           const Clock* clock = nullptr);

  // Drains.
  ~Scheduler();
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  // Any thread; never blocks on a pass. Without error `done` will be called; with one it never is:
  //   INVALID_ARGUMENT    no text, or a text without tasks or tokens
  //   and what Admit (admission.h) says
  // What other requests want at the same time, by text, task version and n, is computed once.
  // `done` gets DEADLINE_EXCEEDED or CANCELLED if that came true while the request waited or ran,
  // and the engine's error if one of its passes failed. A pass of which nobody waits for anything
  // any more is ended.
  absl::Status Submit(ScheduledRequest request, Done done);

  // Any thread. Answers the requests that wait whole and are cancelled or past their deadline, so
  // that they hold no place in the queue until the running pass ends. Without it they are dropped
  // when the next pass is formed.
  void DropCancelled();

  // Any thread but the scheduler's own. Refuses new requests, and returns when everything accepted
  // has been answered. May be called more than once.
  void Drain();

  QueueLength queue_length() const;

 private:
  Scheduler(Engine* engine, const SchedulerOptions& options, SchedulerObserver* observer,
            DepthChooser* depths, const Clock* clock);

  QueueRules RulesOf(const SchedulerOptions& options) const;
  absl::Status Refuse(const Refusal& refusal) const;
  void RunWorker();
  void RunBatch(const Batch& batch, uint64_t pass, int threads);
  void ReportPass(const Batch& batch, const PassResult& pass, int64_t deduplicated_items) const;
  void ReportShadows(const Batch& batch) const;
  void Answer(QueuedRequest& request, absl::StatusOr<ScheduledResult> result);
  void Reject(QueuedRequest& request, Rejection rejection, absl::Status status);
  void RejectGone(QueuedRequest& request);

  // REQUIRES for these: mutex_ held.
  std::optional<Refusal> CheckAdmission(const Newcomer& newcomer, absl::Time now) const;
  bool MayStartPass() const;
  void ReportQueue() const;

  Engine* const engine_;
  const Concurrency concurrency_;
  const SchedulerOptions options_;
  SchedulerObserver* const observer_;
  DepthChooser* const depths_;
  const Clock* const clock_;
  const QueueRules rules_;

  mutable std::mutex mutex_;      // guards what follows, but for the threads
  std::condition_variable work_;  // MayStartPass, or draining_
  std::condition_variable idle_;  // unanswered_ is 0
  RequestQueue queue_;
  RunningPasses running_;
  int64_t unanswered_ = 0;
  bool draining_ = false;

  std::vector<std::thread> workers_;  // last: they use the members above
};

}  // namespace fathom
