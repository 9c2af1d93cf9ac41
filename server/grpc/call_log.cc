#include "server/grpc/call_log.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/random/random.h"
#include "absl/strings/str_format.h"
#include "server/log.h"

namespace fathom {
namespace {

constexpr size_t kMostIdBytes = 128;
constexpr size_t kMostMessageBytes = 300;

bool IsVisible(char c) { return c > ' ' && c <= '~'; }

bool IsPrintable(const std::string& id) {
  return !id.empty() && id.size() <= kMostIdBytes && std::all_of(id.begin(), id.end(), IsVisible);
}

std::string NewRequestId() {
  thread_local absl::BitGen random;
  return absl::StrFormat("%016x%016x", absl::Uniform<uint64_t>(random),
                         absl::Uniform<uint64_t>(random));
}

}  // namespace

std::optional<std::string> VisibleMetadata(const ClientMetadata& metadata, const char* key) {
  const auto it = metadata.find(key);
  if (it == metadata.end()) return std::nullopt;
  std::string value(it->second.data(), it->second.size());
  return IsPrintable(value) ? std::optional(std::move(value)) : std::nullopt;
}

std::string RequestIdOf(const ClientMetadata& metadata) {
  auto id = VisibleMetadata(metadata, kRequestIdKey);
  return id ? *std::move(id) : NewRequestId();
}

std::string RequestIdInStream(const std::string& stream, const std::string& request) {
  return IsPrintable(request) ? stream + "/" + request : stream;
}

std::optional<spdlog::level::level_enum> LevelOfCall(absl::StatusCode code, bool slow) {
  switch (code) {
    case absl::StatusCode::kUnknown:
    case absl::StatusCode::kInternal:
    case absl::StatusCode::kDataLoss:
      return spdlog::level::err;
    default:
      break;
  }
  if (slow) return spdlog::level::warn;
  switch (code) {
    case absl::StatusCode::kOk:
      return std::nullopt;
    case absl::StatusCode::kResourceExhausted:
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kDeadlineExceeded:
    case absl::StatusCode::kCancelled:
      return spdlog::level::debug;
    default:
      return spdlog::level::info;
  }
}

void LogCall(const CallRecord& call, const CallLogOptions& options) {
  const double total_ms = absl::ToDoubleMilliseconds(call.total);
  const bool slow = options.slow_call_ms > 0 && total_ms > options.slow_call_ms;
  const auto level = LevelOfCall(call.status.code(), slow);
  if (!level) return;
  std::vector<LogField> fields = {
      LogField::Text("request_id", call.request_id),
      LogField::Text("method", call.method),
      LogField::Text("code", absl::StatusCodeToString(call.status.code())),
      LogField::Number("total_ms", total_ms),
      LogField::Number("tasks", static_cast<double>(call.tasks)),
  };
  if (call.queue)
    fields.push_back(LogField::Number("queue_ms", absl::ToDoubleMilliseconds(*call.queue)));
  if (call.compute) {
    fields.push_back(LogField::Number("compute_ms", absl::ToDoubleMilliseconds(*call.compute)));
  }
  if (!call.status.ok()) {
    const std::string message(call.status.message());
    fields.push_back(LogField::Text("error", message.substr(0, kMostMessageBytes)));
  }
  LogEvent(*level, call.status.ok() ? "slow call" : "failed call", fields);
}

}  // namespace fathom
