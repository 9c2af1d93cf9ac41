// RequestLimits: how large a call may be. Beyond them is INVALID_ARGUMENT, naming field and limit.
#pragma once

#include <cstddef>

namespace fathom {

struct RequestLimits {
  int max_inputs = 256;
  int max_tasks = 128;
  size_t max_name_bytes = 256;  // of a task's name
  // Of a whole message. Beyond it gRPC itself answers RESOURCE_EXHAUSTED.
  int max_message_bytes = 4 << 20;
};

}  // namespace fathom
