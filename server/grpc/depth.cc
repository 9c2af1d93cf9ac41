#include "server/grpc/depth.h"

#include "absl/strings/str_cat.h"
#include "server/grpc/errors.h"

namespace fathom {
namespace {

constexpr char kSupported[] = "give skip_layers, or nothing for the task's default";

absl::StatusOr<ResolvedDepth> ResolveExact(const v1::Depth& depth, const std::string& field,
                                           const TaskInfo& task, int layers) {
  const uint32_t n = depth.skip_layers();
  const std::string name = field + ".skip_layers";
  if (n > static_cast<uint32_t>(layers)) {
    return InvalidField(name, absl::StrCat(n, " is out of range; the encoder's is 0 to ", layers));
  }
  const SkipRange& trained = task.trained_skip_layers;
  if (!trained.Contains(static_cast<int>(n)) && !depth.allow_untrained_depth()) {
    return InvalidField(
        name, absl::StrCat(n, " is outside the range that task '", task.name, "' was trained for, ",
                           trained.first, " to ", trained.last,
                           "; set allow_untrained_depth to go up to ", layers));
  }
  return ResolvedDepth{.skip_layers = static_cast<int>(n), .reason = v1::DEPTH_REASON_EXACT};
}

}  // namespace

absl::StatusOr<ResolvedDepth> ResolveDepth(const v1::Depth* depth, const std::string& field,
                                           const TaskInfo& task, int layers) {
  const ResolvedDepth by_default{.skip_layers = task.default_skip_layers,
                                 .reason = v1::DEPTH_REASON_TASK_DEFAULT};
  if (depth == nullptr) return by_default;
  if (depth->has_quality_floor() && !(depth->quality_floor() >= 0 && depth->quality_floor() <= 1)) {
    return InvalidField(field + ".quality_floor",
                        absl::StrCat(depth->quality_floor(), " is out of range; it is 0 to 1"));
  }
  switch (depth->choice_case()) {
    case v1::Depth::kSkipLayers:
      return ResolveExact(*depth, field, task, layers);
    case v1::Depth::kLatencyBudget:
      return NotBuiltIn(field + ".latency_budget", kSupported);
    case v1::Depth::kMinQuality:
      return NotBuiltIn(field + ".min_quality", kSupported);
    case v1::Depth::CHOICE_NOT_SET:
      break;
  }
  return by_default;
}

}  // namespace fathom
