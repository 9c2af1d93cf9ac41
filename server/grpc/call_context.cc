#include "server/grpc/call_context.h"

#include <chrono>
#include <string>

namespace fathom {

void EchoRequestId(grpc::CallbackServerContext& context) {
  const auto it = context.client_metadata().find("x-request-id");
  if (it == context.client_metadata().end()) return;
  context.AddTrailingMetadata("x-request-id", std::string(it->second.data(), it->second.size()));
}

absl::Time Deadline(const grpc::CallbackServerContext& context) {
  const std::chrono::system_clock::time_point deadline = context.deadline();
  if (deadline == std::chrono::system_clock::time_point::max()) return absl::InfiniteFuture();
  return absl::FromChrono(deadline);
}

}  // namespace fathom
