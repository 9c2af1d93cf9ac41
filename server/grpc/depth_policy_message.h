// A task's depth policy from the wire and to it. Pure functions.
#pragma once

#include "absl/status/statusor.h"
#include "fathom/v1/admin_service.pb.h"
#include "runtime/engine.h"
#include "server/depth/task_depth_policies.h"

namespace fathom {

// Values are checked by TaskDepthPolicies, but for what no int holds: INVALID_ARGUMENT.
absl::StatusOr<DepthPolicyChange> ToPolicyChange(const v1::SetDepthPolicyRequest& request,
                                                 int layers);

// Every field set.
v1::SetDepthPolicyRequest ToMessage(const TaskInfo& task, const TaskDepthPolicy& policy);

}  // namespace fathom
