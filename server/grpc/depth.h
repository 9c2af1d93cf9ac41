// Depth resolution: from what a call says of n to a checked DepthChoice. Pure functions.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "fathom/v1/depth.pb.h"
#include "runtime/depth/depth_choice.h"
#include "runtime/engine.h"

namespace fathom {

// What the parts of a depth are called where the client wrote them, for messages.
struct DepthNames {
  std::string skip_layers;
  std::string latency_budget;
  std::string min_quality;
  std::string quality_floor;
};

// Of a v1::Depth that stands in `field`: "depth.skip_layers" and so on.
DepthNames NamesIn(const std::string& field);

// `depth` null or without a choice: the task's default. INVALID_ARGUMENT names the range: an exact
// n above `layers`, or outside the task's trained range without allow_untrained_depth; a budget
// that is not above 0; a min_quality or quality_floor outside 0 … 1. FAILED_PRECONDITION: a
// min_quality that no n is known to keep.
absl::StatusOr<DepthChoice> ResolveDepth(const v1::Depth* depth, const DepthNames& names,
                                         const TaskInfo& task, int layers);

// INVALID_ARGUMENT names `name`: not in 0 … 1.
absl::Status CheckShare(const std::string& name, float value);

}  // namespace fathom
