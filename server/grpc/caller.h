// Caller: who waits for a call, and until when. Plain values, no gRPC.
#pragma once

#include <string>

#include "absl/time/time.h"

namespace fathom {

struct Caller {
  absl::Time deadline = absl::InfiniteFuture();
  // Whom the scheduler is to be fair to: as the client says in x-client-id, else its address.
  std::string client;
};

}  // namespace fathom
