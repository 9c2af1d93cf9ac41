#include "server/grpc/depth.h"

#include <cstdint>

#include "absl/strings/str_cat.h"
#include "runtime/depth/depth_quality.h"
#include "server/grpc/errors.h"

namespace fathom {
namespace {

absl::StatusOr<int> CheckExact(const v1::Depth& depth, const std::string& name,
                               const TaskInfo& task, int layers) {
  const uint32_t n = depth.skip_layers();
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
  return static_cast<int>(n);
}

absl::StatusOr<absl::Duration> CheckBudget(const google::protobuf::Duration& budget,
                                           const std::string& name) {
  constexpr int32_t kSecond = 1'000'000'000;
  const bool one_sign = budget.seconds() == 0 || budget.nanos() == 0 ||
                        (budget.seconds() > 0) == (budget.nanos() > 0);
  if (budget.nanos() <= -kSecond || budget.nanos() >= kSecond || !one_sign) {
    return InvalidField(name, absl::StrCat(budget.seconds(), " seconds and ", budget.nanos(),
                                           " nanos are not a duration"));
  }
  const absl::Duration duration =
      absl::Seconds(budget.seconds()) + absl::Nanoseconds(budget.nanos());
  if (duration > absl::ZeroDuration()) return duration;
  return InvalidField(name, absl::StrCat(absl::FormatDuration(duration),
                                         " is out of range; a latency budget is above 0"));
}

// That some n keeps it, is asked before anything is computed.
absl::Status CheckMinQuality(const v1::Depth& depth, const std::string& name, const TaskInfo& task,
                             int layers) {
  absl::Status status = CheckShare(name, depth.min_quality());
  if (!status.ok()) return status;
  status = CheckQualityIsKnown(task);
  if (!status.ok()) {
    return absl::FailedPreconditionError(absl::StrCat(name, ": ", std::string(status.message())));
  }
  const int last = depth.allow_untrained_depth() ? layers : task.trained_skip_layers.last;
  if (DeepestKeeping(task, depth.min_quality(), last)) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat(name, ": task '", task.name, "' is not known to keep ", depth.min_quality(),
                   " of its score at n = 0 even at ", task.trained_skip_layers.first,
                   ", the lowest n that it was trained for; ask for less, or name skip_layers"));
}

}  // namespace

DepthNames NamesIn(const std::string& field) {
  return {.skip_layers = field + ".skip_layers",
          .latency_budget = field + ".latency_budget",
          .min_quality = field + ".min_quality",
          .quality_floor = field + ".quality_floor"};
}

absl::StatusOr<DepthChoice> ResolveDepth(const v1::Depth* depth, const DepthNames& names,
                                         const TaskInfo& task, int layers) {
  DepthChoice choice;
  if (depth == nullptr) return choice;
  choice.allow_untrained_depth = depth->allow_untrained_depth();
  if (depth->has_quality_floor()) {
    const absl::Status status = CheckShare(names.quality_floor, depth->quality_floor());
    if (!status.ok()) return status;
    choice.quality_floor = depth->quality_floor();
  }
  switch (depth->choice_case()) {
    case v1::Depth::kSkipLayers: {
      const absl::StatusOr<int> n = CheckExact(*depth, names.skip_layers, task, layers);
      if (!n.ok()) return n.status();
      choice.kind = DepthChoice::Kind::kExact;
      choice.skip_layers = *n;
      break;
    }
    case v1::Depth::kLatencyBudget: {
      const auto budget = CheckBudget(depth->latency_budget(), names.latency_budget);
      if (!budget.ok()) return budget.status();
      choice.kind = DepthChoice::Kind::kLatencyBudget;
      choice.latency_budget = *budget;
      break;
    }
    case v1::Depth::kMinQuality: {
      const absl::Status status = CheckMinQuality(*depth, names.min_quality, task, layers);
      if (!status.ok()) return status;
      choice.kind = DepthChoice::Kind::kMinQuality;
      choice.min_quality = depth->min_quality();
      break;
    }
    case v1::Depth::CHOICE_NOT_SET:
      break;
  }
  return choice;
}

absl::Status CheckShare(const std::string& name, float value) {
  if (value >= 0 && value <= 1) return absl::OkStatus();
  return InvalidField(name, absl::StrCat(value, " is out of range; it is 0 to 1"));
}

}  // namespace fathom
