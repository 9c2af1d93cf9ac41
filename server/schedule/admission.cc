#include "server/schedule/admission.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "server/schedule/refusal.h"

namespace fathom {
namespace {

Refusal QueueFull(Rejection rejection, const std::string& how, double wait_ms) {
  const absl::Duration delay = RetryDelay(wait_ms);
  absl::Status status = absl::ResourceExhaustedError(absl::StrCat(
      "the queue is full: ", how, "; try again in ", absl::ToInt64Milliseconds(delay), " ms"));
  return {rejection, WithRetryDelay(WithReason(std::move(status), "QUEUE_FULL"), delay)};
}

Refusal DeadlineTooNear(double end_ms, absl::Duration left) {
  return {
      Rejection::kDeadlineTooNear,
      WithReason(absl::DeadlineExceededError(absl::StrFormat(
                     "the call would take %.1f ms with its wait, as predicted, and its deadline "
                     "is in %.1f ms; give it more time, send less, or a larger n",
                     end_ms, absl::ToDoubleMilliseconds(left))),
                 "DEADLINE_TOO_NEAR")};
}

std::optional<Refusal> CheckDeadline(const Newcomer& newcomer, const QueueState& queue,
                                     absl::Time now) {
  if (newcomer.least_ms <= 0 || newcomer.deadline == absl::InfiniteFuture()) return std::nullopt;
  const double end_ms = queue.running_ms + queue.ahead.earliest_ms + newcomer.least_ms;
  const absl::Duration left = newcomer.deadline - now;
  if (absl::Milliseconds(end_ms) <= left) return std::nullopt;
  return DeadlineTooNear(end_ms, left);
}

std::optional<Refusal> CheckRoom(const Newcomer& newcomer, const QueueState& queue,
                                 const SchedulerOptions& options) {
  const QueueLength& length = queue.length;
  const double wait_ms = queue.running_ms + queue.ahead.until_turn_ms;
  if (length.requests >= options.max_queue_requests) {
    return QueueFull(
        Rejection::kQueueRequests,
        absl::StrCat(length.requests, " calls wait, the limit is ", options.max_queue_requests),
        wait_ms);
  }
  if (length.rows + newcomer.rows > options.max_queue_rows) {
    return QueueFull(
        Rejection::kQueueRows,
        absl::StrCat(length.rows, " tokens (each counted once a task) wait, the call has ",
                     newcomer.rows, " and the limit is ", options.max_queue_rows),
        wait_ms);
  }
  if (options.max_queue_ms > 0 && queue.ahead.until_turn_ms > 0 && wait_ms > options.max_queue_ms) {
    return QueueFull(Rejection::kQueueMs,
                     absl::StrFormat("a call would wait %.0f ms, as predicted, the limit is %.0f",
                                     wait_ms, options.max_queue_ms),
                     wait_ms);
  }
  return std::nullopt;
}

}  // namespace

Ahead AheadOf(const Newcomer& newcomer, absl::Span<const WaitingRequest> waiting, absl::Time now,
              const OrderRules& rules, const PassLimits& limits) {
  Ahead ahead;
  for (const WaitingRequest& request : waiting) {
    if (request.Gone(now)) continue;
    const int level = LevelOf(request, now, rules.ageing);
    if (level < newcomer.priority) continue;
    ahead.until_turn_ms +=
        level > newcomer.priority ? request.ms : TurnMs(request.ms, request.waiting_share);
    if (level > newcomer.priority || request.deadline <= newcomer.deadline) {
      ahead.earliest_ms += request.ms;
    }
  }
  return {.until_turn_ms = limits.MsInPasses(ahead.until_turn_ms),
          .earliest_ms = limits.MsInPasses(ahead.earliest_ms)};
}

std::optional<Refusal> Admit(const Newcomer& newcomer, const QueueState& queue, absl::Time now,
                             const SchedulerOptions& options) {
  if (queue.draining) {
    return Refusal{Rejection::kDraining,
                   WithReason(absl::UnavailableError("the server is shutting down"), "DRAINING")};
  }
  if (newcomer.deadline <= now) {
    return Refusal{Rejection::kDeadlinePassed,
                   absl::DeadlineExceededError("the deadline passed before the call was run")};
  }
  if (newcomer.cancelled) {
    return Refusal{Rejection::kCancelledEarly,
                   absl::CancelledError("cancelled before the call was run")};
  }
  if (newcomer.rows > options.max_queue_rows) {
    return Refusal{
        Rejection::kInvalid,
        absl::InvalidArgumentError(absl::StrCat(
            "the call has ", newcomer.rows, " tokens (each counted once a task), more than the ",
            "queue's ", options.max_queue_rows, "; send fewer inputs or tasks a call"))};
  }
  if (std::optional<Refusal> full = CheckRoom(newcomer, queue, options)) return full;
  return CheckDeadline(newcomer, queue, now);
}

absl::Duration RetryDelay(double wait_ms) {
  return absl::Milliseconds(static_cast<int64_t>(std::clamp(wait_ms / 2, 50.0, 5000.0)));
}

double QueueShare(const QueueLength& length, double wait_ms, const SchedulerOptions& options) {
  double share = std::max(
      static_cast<double>(length.requests) / static_cast<double>(options.max_queue_requests),
      static_cast<double>(length.rows) / static_cast<double>(options.max_queue_rows));
  if (options.max_queue_ms > 0) share = std::max(share, wait_ms / options.max_queue_ms);
  return std::clamp(share, 0.0, 1.0);
}

}  // namespace fathom
