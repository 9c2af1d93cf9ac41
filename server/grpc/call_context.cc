#include "server/grpc/call_context.h"

#include <chrono>

#include "server/grpc/call_log.h"

namespace fathom {
namespace {

constexpr char kClientIdKey[] = "x-client-id";

// "ipv4:10.0.0.7:51234" -> "ipv4:10.0.0.7": one client may have several connections.
std::string WithoutPort(const std::string& peer) {
  const size_t colon = peer.rfind(':');
  return colon == std::string::npos ? peer : peer.substr(0, colon);
}

}  // namespace

std::string TakeRequestId(grpc::CallbackServerContext& context) {
  std::string id = RequestIdOf(context.client_metadata());
  context.AddTrailingMetadata(kRequestIdKey, id);
  return id;
}

Caller CallerOf(const grpc::CallbackServerContext& context) {
  Caller caller;
  const std::chrono::system_clock::time_point deadline = context.deadline();
  if (deadline != std::chrono::system_clock::time_point::max()) {
    caller.deadline = absl::FromChrono(deadline);
  }
  caller.client = VisibleMetadata(context.client_metadata(), kClientIdKey)
                      .value_or(WithoutPort(context.peer()));
  return caller;
}

}  // namespace fathom
