#include "server/grpc/depth_policy_message.h"

#include "absl/strings/str_cat.h"
#include "runtime/depth/depth_policy.h"
#include "server/grpc/errors.h"

namespace fathom {

absl::StatusOr<DepthPolicyChange> ToPolicyChange(const v1::SetDepthPolicyRequest& request,
                                                 int layers) {
  DepthPolicyChange change;
  if (request.has_quality_floor()) change.quality_floor = request.quality_floor();
  if (request.has_shadow_ratio()) change.shadow_ratio = request.shadow_ratio();
  if (request.has_brownout()) change.brownout = request.brownout();
  if (request.has_default_skip_layers()) {
    const uint32_t n = request.default_skip_layers();
    if (n > static_cast<uint32_t>(layers)) {
      return InvalidField("default_skip_layers",
                          absl::StrCat(n, " is out of range; the encoder's is 0 to ", layers));
    }
    change.default_skip_layers = static_cast<int>(n);
  }
  return change;
}

v1::SetDepthPolicyRequest ToMessage(const TaskInfo& task, const TaskDepthPolicy& policy) {
  v1::SetDepthPolicyRequest message;
  message.set_task(task.name);
  message.set_quality_floor(static_cast<float>(policy.quality_floor));
  message.set_default_skip_layers(static_cast<uint32_t>(DefaultDepth(task, policy)));
  message.set_brownout(policy.brownout);
  message.set_shadow_ratio(static_cast<float>(policy.shadow_ratio));
  return message;
}

}  // namespace fathom
