// What the handlers read of a call beside its message.
#pragma once

#include <grpcpp/server_context.h>

#include "absl/time/time.h"

namespace fathom {

// Sends x-request-id back as it came.
void EchoRequestId(grpc::CallbackServerContext& context);

// InfiniteFuture: the client set none.
absl::Time Deadline(const grpc::CallbackServerContext& context);

}  // namespace fathom
