#include "server/depth/task_depth_policies.h"

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace fathom {
namespace {

absl::Status CheckShare(const char* name, double value) {
  if (value >= 0 && value <= 1) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(name, ": ", value, " is out of range; it is 0 to 1"));
}

absl::Status Check(const TaskInfo& task, const DepthPolicyChange& change) {
  if (change.quality_floor) {
    absl::Status status = CheckShare("quality_floor", *change.quality_floor);
    if (!status.ok()) return status;
  }
  if (change.shadow_ratio) {
    absl::Status status = CheckShare("shadow_ratio", *change.shadow_ratio);
    if (!status.ok()) return status;
  }
  const SkipRange& trained = task.trained_skip_layers;
  if (change.default_skip_layers && !trained.Contains(*change.default_skip_layers)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "default_skip_layers: ", *change.default_skip_layers, " is outside the range that task '",
        task.name, "' was trained for, ", trained.first, " to ", trained.last));
  }
  return absl::OkStatus();
}

}  // namespace

TaskDepthPolicy TaskDepthPolicies::Get(const std::string& task) const {
  const std::lock_guard lock(mutex_);
  const auto found = changed_.find(task);
  return found == changed_.end() ? by_default_ : found->second;
}

absl::StatusOr<TaskDepthPolicy> TaskDepthPolicies::Change(const TaskInfo& task,
                                                          const DepthPolicyChange& change) {
  const absl::Status status = Check(task, change);
  if (!status.ok()) return status;
  const std::lock_guard lock(mutex_);
  TaskDepthPolicy& policy = changed_.try_emplace(task.name, by_default_).first->second;
  policy.quality_floor = change.quality_floor.value_or(policy.quality_floor);
  if (change.default_skip_layers) policy.default_skip_layers = change.default_skip_layers;
  policy.brownout = change.brownout.value_or(policy.brownout);
  policy.shadow_ratio = change.shadow_ratio.value_or(policy.shadow_ratio);
  return policy;
}

}  // namespace fathom
