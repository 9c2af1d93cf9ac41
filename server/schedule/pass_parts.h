// PassParts: the texts of one pass, gathered from parts of several requests, and the way back of
// the answers. For one thread.
#pragma once

#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "runtime/engine.h"
#include "server/schedule/batch_policy.h"
#include "server/schedule/request.h"

namespace fathom {

class PassParts {
 public:
  // Adds one pass text a unit. `request` must outlive the pass; `units` index its texts and tasks.
  void Add(const ScheduledRequest& request, absl::Span<const WorkUnit> units);

  // In the order added.
  absl::Span<const PassText> texts() const { return texts_; }

  // INTERNAL if the engine answered for more or fewer texts or tasks than asked.
  absl::Status CheckComplete(const PassResult& pass) const;

 private:
  std::vector<PassText> texts_;
};

// Moves the outputs of `units`, which stand in `pass` from `first_text` on, to their places in
// `result`, whose outputs have the request's sizes, and adds their work. Returns the pass text
// after them. REQUIRES: CheckComplete(pass) was ok.
size_t DeliverUnits(PassResult& pass, size_t first_text, absl::Span<const WorkUnit> units,
                    ScheduledResult& result);

}  // namespace fathom
