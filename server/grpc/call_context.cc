#include "server/grpc/call_context.h"

#include <chrono>

#include "server/grpc/call_log.h"

namespace fathom {

std::string TakeRequestId(grpc::CallbackServerContext& context) {
  std::string id = RequestIdOf(context.client_metadata());
  context.AddTrailingMetadata(kRequestIdKey, id);
  return id;
}

absl::Time Deadline(const grpc::CallbackServerContext& context) {
  const std::chrono::system_clock::time_point deadline = context.deadline();
  if (deadline == std::chrono::system_clock::time_point::max()) return absl::InfiniteFuture();
  return absl::FromChrono(deadline);
}

}  // namespace fathom
