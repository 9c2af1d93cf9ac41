// RequestLimits: how large a call may be. Beyond them is INVALID_ARGUMENT, naming field and limit.
#pragma once

#include <cstddef>

namespace fathom {

struct RequestLimits {
  int max_inputs = 256;
  int max_tasks = 128;
  size_t max_name_bytes = 256;  // of a task's name
  // Requests of one stream that are worked on, or whose answers are not written yet. At this many
  // the stream is not read on.
  int max_stream_requests = 64;
  // Of a whole message. Beyond it gRPC itself answers RESOURCE_EXHAUSTED.
  int max_message_bytes = 4 << 20;
};

}  // namespace fathom
