#include "server/schedule/observer.h"

namespace fathom {

const char* RejectionName(Rejection rejection) {
  switch (rejection) {
    case Rejection::kInvalid:
      return "invalid";
    case Rejection::kQueueRequests:
      return "queue_requests";
    case Rejection::kQueueRows:
      return "queue_tokens";
    case Rejection::kQueueMs:
      return "queue_ms";
    case Rejection::kDeadlinePassed:
      return "deadline_passed";
    case Rejection::kDeadlineTooNear:
      return "deadline_too_near";
    case Rejection::kDraining:
      return "draining";
    case Rejection::kCancelledEarly:
      return "cancelled_early";
    case Rejection::kExpired:
      return "expired";
    case Rejection::kCancelled:
      return "cancelled";
    case Rejection::kPassFailed:
      return "pass_failed";
  }
  return "unknown";
}

}  // namespace fathom
