// Depth resolution: from what a request says of n to the n a task runs at. A pure function.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "fathom/v1/depth.pb.h"
#include "runtime/engine.h"

namespace fathom {

struct ResolvedDepth {
  int skip_layers = 0;  // n
  v1::DepthReason reason = v1::DEPTH_REASON_UNSPECIFIED;
};

// `depth` null or without a choice: the task's default. `field` is where it stands in the request,
// for messages. INVALID_ARGUMENT names the range: an exact n above `layers`, or outside the task's
// trained range without allow_untrained_depth; a quality_floor outside 0 … 1. UNIMPLEMENTED:
// latency_budget, min_quality.
absl::StatusOr<ResolvedDepth> ResolveDepth(const v1::Depth* depth, const std::string& field,
                                           const TaskInfo& task, int layers);

}  // namespace fathom
