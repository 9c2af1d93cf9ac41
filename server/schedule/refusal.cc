#include "server/schedule/refusal.h"

#include <cstdint>
#include <utility>

#include "absl/strings/cord.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace fathom {

absl::Status WithReason(absl::Status status, const std::string& reason) {
  status.SetPayload(kReasonPayload, absl::Cord(reason));
  return status;
}

std::optional<std::string> ReasonOf(const absl::Status& status) {
  const auto reason = status.GetPayload(kReasonPayload);
  if (!reason.has_value()) return std::nullopt;
  return std::string(*reason);
}

absl::Status WithRetryDelay(absl::Status status, absl::Duration delay) {
  status.SetPayload(kRetryDelayPayload, absl::Cord(absl::StrCat(absl::ToInt64Milliseconds(delay))));
  return status;
}

std::optional<absl::Duration> RetryDelayOf(const absl::Status& status) {
  const auto delay = status.GetPayload(kRetryDelayPayload);
  int64_t ms = 0;
  if (!delay.has_value() || !absl::SimpleAtoi(std::string(*delay), &ms)) return std::nullopt;
  return absl::Milliseconds(ms);
}

}  // namespace fathom
