#include "runtime/depth/depth_quality.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"

namespace fathom {
namespace {

constexpr double kQuantile = 1.96;  // of the normal distribution, 95 % on both sides
constexpr double kRounding = 1e-9;  // scores are written as decimals
constexpr char kFix[] = "name skip_layers, or measure the task's depth profile";

double HalfWidth(const DepthProfile& profile, const DepthPoint& point) {
  if (point.half_width) return *point.half_width;
  if (!point.agreement || profile.samples <= 0) return 0;
  const double changed = std::clamp(1 - *point.agreement, 0.0, 1.0);
  return kQuantile * std::sqrt(changed / static_cast<double>(profile.samples));
}

}  // namespace

absl::Status CheckQualityIsKnown(const TaskInfo& task) {
  const DepthPoint* whole = task.profile ? task.profile->Find(0) : nullptr;
  if (whole == nullptr) {
    return absl::FailedPreconditionError(absl::StrCat(
        "task '", task.name, "' has no ", task.profile ? "score at n = 0" : "depth profile",
        ", so the quality of an n is not known; ", kFix));
  }
  const double baseline = std::max(0.0, task.profile->majority_baseline.value_or(0));
  if (whole->score > baseline) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("task '", task.name, "' has ", task.profile->metric, " ", whole->score,
                   " at n = 0, which does not beat the ", baseline,
                   " of always answering the commonest label, so no n can keep a share of it; name "
                   "skip_layers"));
}

std::optional<double> LowestScore(const DepthProfile& profile, int skip_layers) {
  const DepthPoint* point = profile.Find(skip_layers);
  if (point == nullptr) return std::nullopt;
  if (skip_layers == 0) return point->score;  // its own difference to itself
  return point->score - HalfWidth(profile, *point);
}

std::optional<int> DeepestKeeping(const TaskInfo& task, double share, int last) {
  if (!CheckQualityIsKnown(task).ok()) return std::nullopt;
  const double needed = share * task.profile->Find(0)->score - kRounding;
  std::optional<int> deepest;
  for (int n = task.trained_skip_layers.first; n <= last; ++n) {
    const std::optional<double> score = LowestScore(*task.profile, n);
    if (!score || !(*score >= needed)) break;
    deepest = n;
  }
  return deepest;
}

}  // namespace fathom
