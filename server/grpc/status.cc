#include "server/grpc/status.h"

#include <google/rpc/error_details.pb.h>

#include <optional>
#include <utility>

#include "server/grpc/errors.h"
#include "server/schedule/refusal.h"

namespace fathom {
namespace {

constexpr size_t kMaxMessageBytes = 2000;

std::string ShortMessage(const absl::Status& status) {
  std::string message(status.message());
  if (message.size() <= kMaxMessageBytes) return message;
  size_t end = kMaxMessageBytes;
  while (end > 0 && (static_cast<unsigned char>(message[end]) & 0xC0U) == 0x80U) --end;
  return message.substr(0, end) + "…";
}

absl::Status WithErrorInfo(absl::Status status) {
  const std::string type =
      "type.googleapis.com/" + google::rpc::ErrorInfo::descriptor()->full_name();
  if (status.GetPayload(type).has_value()) return status;
  google::rpc::ErrorInfo info;
  info.set_reason(ReasonOf(status).value_or(absl::StatusCodeToString(status.code())));
  info.set_domain(kErrorDomain);
  AttachDetail(info, status);
  return status;
}

// What the scheduler says in plain words becomes details.
absl::Status WithDetails(absl::Status status) {
  status = WithErrorInfo(std::move(status));
  if (const std::optional<absl::Duration> delay = RetryDelayOf(status)) {
    google::rpc::RetryInfo info;
    const int64_t ms = absl::ToInt64Milliseconds(*delay);
    info.mutable_retry_delay()->set_seconds(ms / 1000);
    info.mutable_retry_delay()->set_nanos(static_cast<int32_t>(ms % 1000 * 1'000'000));
    AttachDetail(info, status);
  }
  status.ErasePayload(kReasonPayload);
  status.ErasePayload(kRetryDelayPayload);
  return status;
}

}  // namespace

google::rpc::Status ToRpcStatus(const absl::Status& status) {
  google::rpc::Status result;
  result.set_code(static_cast<int>(status.code()));
  if (status.ok()) return result;
  result.set_message(ShortMessage(status));
  WithDetails(status).ForEachPayload([&](absl::string_view type, const absl::Cord& payload) {
    google::protobuf::Any* detail = result.add_details();
    detail->set_type_url(std::string(type));
    detail->set_value(std::string(payload));
  });
  return result;
}

grpc::Status ToGrpcStatus(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  const google::rpc::Status rpc = ToRpcStatus(status);
  return {static_cast<grpc::StatusCode>(rpc.code()), rpc.message(), rpc.SerializeAsString()};
}

void AddRetryTrailer(const absl::Status& status, grpc::ServerContextBase& context) {
  const std::optional<absl::Duration> delay = RetryDelayOf(status);
  if (!delay.has_value()) return;
  context.AddTrailingMetadata("grpc-retry-pushback-ms",
                              std::to_string(absl::ToInt64Milliseconds(*delay)));
}

}  // namespace fathom
