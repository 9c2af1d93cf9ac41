// DepthPolicySetter: where AdminService hands on what the operator says about a task's depth
// policy.
#pragma once

#include <optional>

#include "absl/status/statusor.h"
#include "runtime/engine.h"

namespace fathom {

// Fields that are absent stay as they are.
struct DepthPolicyUpdate {
  std::optional<double> quality_floor;     // lowest score(n) / score(0) at an automatic n, 0 … 1
  std::optional<int> default_skip_layers;  // n of a call that names none, 0 … L
  std::optional<bool> brownout;            // whether n may rise when the queue is long
  std::optional<double> shadow_ratio;      // share of answers compared with n = 0, 0 … 1
};

// What holds for a task.
struct DepthPolicyValues {
  double quality_floor = 0;
  int default_skip_layers = 0;
  bool brownout = false;
  double shadow_ratio = 0;
};

class DepthPolicySetter {
 public:
  virtual ~DepthPolicySetter() = default;

  // Any thread. For all versions of `task`, which is the default one. Returns what holds from now
  // on. AdminService has checked that the values are within the bounds above; an error is for what
  // else does not fit, and then nothing has changed.
  virtual absl::StatusOr<DepthPolicyValues> SetDepthPolicy(const TaskInfo& task,
                                                           const DepthPolicyUpdate& update) = 0;
};

}  // namespace fathom
