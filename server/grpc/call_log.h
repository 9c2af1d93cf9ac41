// The log of calls: a line for each that failed or was slow, with the id by which its client knows
// it. Never what a text or an answer was.
#pragma once

#include <grpcpp/support/string_ref.h>
#include <spdlog/common.h>

#include <map>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace fathom {

struct CallLogOptions {
  double slow_call_ms = 0;  // calls that take longer are logged; 0: none
};

// The metadata key of a call's id, both ways.
inline constexpr char kRequestIdKey[] = "x-request-id";

using ClientMetadata = std::multimap<grpc::string_ref, grpc::string_ref>;

// The value of `key` if it is 1 to 128 visible ASCII characters.
std::optional<std::string> VisibleMetadata(const ClientMetadata& metadata, const char* key);

// The client's x-request-id if it is 1 to 128 visible ASCII characters; else a new random one.
std::string RequestIdOf(const ClientMetadata& metadata);

// The id of a request in a stream: the stream's, and the one that the client gave the request where
// it is of that kind too.
std::string RequestIdInStream(const std::string& stream, const std::string& request);

// One call, at its end.
struct CallRecord {
  std::string request_id;
  std::string method;   // "Predict"
  absl::Status status;  // what the client was told
  absl::Duration total;
  std::optional<absl::Duration> queue;  // these two where the stage was reached
  std::optional<absl::Duration> compute;
  size_t tasks = 0;  // named by the call
};

// The level at which a call is logged; nothing: not at all. Faults of the server are errors; slow
// calls are warnings; mistakes of clients are informative; what comes in masses under overload
// (RESOURCE_EXHAUSTED, UNAVAILABLE, DEADLINE_EXCEEDED, CANCELLED) is for debugging, and is counted
// by the metrics.
std::optional<spdlog::level::level_enum> LevelOfCall(absl::StatusCode code, bool slow);

// Any thread.
void LogCall(const CallRecord& call, const CallLogOptions& options);

}  // namespace fathom
