// A depth policy from the wire and to it.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "fathom/v1/admin_service.pb.h"
#include "server/grpc/depth_policy_setter.h"

namespace fathom {

// INVALID_ARGUMENT names the field and its bounds; `layers` is L.
absl::StatusOr<DepthPolicyUpdate> ToPolicyUpdate(const v1::SetDepthPolicyRequest& request,
                                                 int layers);

v1::SetDepthPolicyRequest ToMessage(const std::string& task, const DepthPolicyValues& policy);

}  // namespace fathom
