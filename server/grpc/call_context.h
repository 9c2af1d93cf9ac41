// What the handlers read of a call beside its message.
#pragma once

#include <grpcpp/server_context.h>

#include <string>

#include "server/grpc/caller.h"

namespace fathom {

// The call's id as RequestIdOf, which is sent back in the trailers. Once a call.
std::string TakeRequestId(grpc::CallbackServerContext& context);

// An x-client-id of 1 to 128 visible ASCII characters is taken; any other counts as none.
Caller CallerOf(const grpc::CallbackServerContext& context);

}  // namespace fathom
