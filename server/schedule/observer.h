// SchedulerObserver: what the scheduler tells of itself, for metrics.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/types/span.h"
#include "runtime/depth/depth_choice.h"
#include "runtime/engine.h"
#include "server/schedule/request.h"

namespace fathom {

// What waits for a pass; what is in one is not included. Rows and milliseconds are counted for
// every request that wants them, also where one flight serves several.
struct QueueLength {
  int64_t requests = 0;
  int64_t rows = 0;  // tokens of all (text, task)
  double ms = 0;     // predicted; 0 while the engine predicts nothing
};

// Why a request was not answered.
enum class Rejection : uint8_t {
  // Refused by Submit:
  kInvalid,          // nothing to do, or more than the queue holds
  kQueueRequests,    // the queue is full
  kQueueRows,        // the same, in tokens
  kQueueMs,          // the same, in predicted milliseconds
  kDeadlinePassed,   // when it came
  kDeadlineTooNear,  // it would pass before the predicted end
  kDraining,
  kCancelledEarly,  // when it came
  // Accepted, and gone before its answer:
  kExpired,
  kCancelled,
  kPassFailed,
};
inline constexpr int kRejections = 11;

// "queue_requests" and the like, for a label.
const char* RejectionName(Rejection rejection);

struct PassReport {
  int64_t rows = 0;  // largest packed block
  int64_t texts = 0;
  int64_t deduplicated_items = 0;  // answered from an equal (text, task, n) of the pass
  double predicted_ms = 0;         // by the engine, before it ran; 0: it predicts nothing
  double actual_ms = 0;            // of the same
  double cut_ms = 0;               // what the scheduler took it for when it was cut
  PassTimes times;
  Work work = {};
};

// Called on the scheduler's and on submitting threads, so it must be safe to call from several at
// once, must return soon and must not call the scheduler.
class SchedulerObserver {
 public:
  virtual ~SchedulerObserver() = default;
  virtual void OnQueue(const QueueLength& length) = 0;
  virtual void OnPass(const PassReport& report) = 0;
  // Once for each request that is not answered with a result.
  virtual void OnRejection(Rejection /*rejection*/) {}
  // Once for each request that is answered: the n of its tasks, and why, [texts][tasks].
  virtual void OnDepths(absl::Span<const ScheduledText> /*texts*/,
                        absl::Span<const std::vector<ChosenDepth>> /*depths*/) {}
  // A pass that ended early because nobody waited for it any more.
  virtual void OnAbandonedPass() {}
};

}  // namespace fathom
