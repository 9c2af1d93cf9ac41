// PassParts: a batch as the engine takes it. For one thread.
#pragma once

#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "runtime/engine.h"
#include "server/schedule/request_queue.h"

namespace fathom {

class PassParts {
 public:
  // One pass text a part, in order. The flights must outlive the pass.
  explicit PassParts(const Batch& batch);

  absl::Span<const PassText> texts() const { return texts_; }

  // INTERNAL if the engine answered for more or fewer texts or tasks than asked.
  absl::Status CheckComplete(const PassResult& pass) const;

 private:
  std::vector<PassText> texts_;
};

}  // namespace fathom
