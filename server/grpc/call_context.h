// What the handlers read of a call beside its message.
#pragma once

#include <grpcpp/server_context.h>

#include <string>

#include "absl/time/time.h"

namespace fathom {

// The call's id, which the client gets back as x-request-id.
std::string TakeRequestId(grpc::CallbackServerContext& context);

// InfiniteFuture: the client set none.
absl::Time Deadline(const grpc::CallbackServerContext& context);

}  // namespace fathom
