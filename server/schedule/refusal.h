// What a refusal says to a program beside its message. Carried by the absl::Status itself, so that
// it reaches the wire through whatever passes it on.
#pragma once

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace fathom {

// Types of the payloads that are not details of google.rpc.
inline constexpr char kReasonPayload[] = "fathom/reason";
inline constexpr char kRetryDelayPayload[] = "fathom/retry-delay-ms";

// `reason`: as an ErrorInfo names it, "QUEUE_FULL".
absl::Status WithReason(absl::Status status, const std::string& reason);

// Absent if none was given.
std::optional<std::string> ReasonOf(const absl::Status& status);

// When it is worth trying again, in whole milliseconds.
absl::Status WithRetryDelay(absl::Status status, absl::Duration delay);

std::optional<absl::Duration> RetryDelayOf(const absl::Status& status);

}  // namespace fathom
