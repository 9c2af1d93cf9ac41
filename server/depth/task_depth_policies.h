// TaskDepthPolicies: what the operator says of each task's depths, by its name.
#pragma once

#include <mutex>
#include <optional>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "runtime/depth/depth_policy.h"
#include "runtime/engine.h"

namespace fathom {

// What is to change; what is absent stays.
struct DepthPolicyChange {
  std::optional<double> quality_floor;     // 0 … 1
  std::optional<int> default_skip_layers;  // in the task's trained range
  std::optional<bool> brownout;
  std::optional<double> shadow_ratio;  // 0 … 1
};

// Thread-safe. Policies last as long as the process, also while their task is not loaded.
class TaskDepthPolicies {
 public:
  // `by_default` holds for every task that nothing was said of.
  explicit TaskDepthPolicies(const TaskDepthPolicy& by_default = {}) : by_default_(by_default) {}

  TaskDepthPolicy Get(const std::string& task) const;

  // Of all versions of the task; `task` is the one whose range the default must be in. Gives what
  // holds from now on. INVALID_ARGUMENT names the value and its range; then nothing changes.
  absl::StatusOr<TaskDepthPolicy> Change(const TaskInfo& task, const DepthPolicyChange& change);

 private:
  const TaskDepthPolicy by_default_;

  mutable std::mutex mutex_;  // guards what follows
  absl::flat_hash_map<std::string, TaskDepthPolicy> changed_;
};

}  // namespace fathom
