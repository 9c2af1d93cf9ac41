#include "server/grpc/depth_policy_message.h"

#include "absl/strings/str_cat.h"
#include "server/grpc/errors.h"

namespace fathom {
namespace {

absl::Status CheckShare(const char* field, float value) {
  if (value >= 0 && value <= 1) return absl::OkStatus();  // no NaN either
  return InvalidField(field, absl::StrCat("is ", value, ", it has to be between 0 and 1"));
}

}  // namespace

absl::StatusOr<DepthPolicyUpdate> ToPolicyUpdate(const v1::SetDepthPolicyRequest& request,
                                                 int layers) {
  DepthPolicyUpdate update;
  if (request.has_quality_floor()) {
    const absl::Status status = CheckShare("quality_floor", request.quality_floor());
    if (!status.ok()) return status;
    update.quality_floor = request.quality_floor();
  }
  if (request.has_shadow_ratio()) {
    const absl::Status status = CheckShare("shadow_ratio", request.shadow_ratio());
    if (!status.ok()) return status;
    update.shadow_ratio = request.shadow_ratio();
  }
  if (request.has_default_skip_layers()) {
    if (request.default_skip_layers() > static_cast<uint32_t>(layers)) {
      return InvalidField("default_skip_layers",
                          absl::StrCat("is ", request.default_skip_layers(), ", the encoder has ",
                                       layers, " layers"));
    }
    update.default_skip_layers = static_cast<int>(request.default_skip_layers());
  }
  if (request.has_brownout()) update.brownout = request.brownout();
  return update;
}

v1::SetDepthPolicyRequest ToMessage(const std::string& task, const DepthPolicyValues& policy) {
  v1::SetDepthPolicyRequest message;
  message.set_task(task);
  message.set_quality_floor(static_cast<float>(policy.quality_floor));
  message.set_default_skip_layers(static_cast<uint32_t>(policy.default_skip_layers));
  message.set_brownout(policy.brownout);
  message.set_shadow_ratio(static_cast<float>(policy.shadow_ratio));
  return message;
}

}  // namespace fathom
