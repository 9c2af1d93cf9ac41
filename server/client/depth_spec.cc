#include "server/client/depth_spec.h"

#include <google/protobuf/util/time_util.h>

#include <cmath>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace fathom {
namespace {

void SetBudget(double ms, v1::Depth* depth) {
  *depth->mutable_latency_budget() =
      google::protobuf::util::TimeUtil::NanosecondsToDuration(std::llround(ms * 1e6));
}

absl::Status Wrong(absl::string_view spec, absl::string_view what) {
  return absl::InvalidArgumentError(
      absl::StrCat("task '", std::string(spec), "': ", std::string(what)));
}

bool ParseDepth(absl::string_view text, v1::Depth* depth) {
  double number = 0;
  uint32_t n = 0;
  if (absl::SimpleAtoi(text, &n)) {
    depth->set_skip_layers(n);
    return true;
  }
  if (absl::ConsumeSuffix(&text, "ms")) {
    if (!absl::SimpleAtod(text, &number) || !(number > 0) || number > 1e9) return false;
    SetBudget(number, depth);
    return true;
  }
  if (absl::ConsumePrefix(&text, "q")) {
    if (!absl::SimpleAtod(text, &number) || !(number >= 0 && number <= 1)) return false;
    depth->set_min_quality(static_cast<float>(number));
    return true;
  }
  return false;
}

// What the flags ask for, one a row of the answer.
std::vector<v1::Depth> FlagDepths(const DepthFlags& flags) {
  std::vector<v1::Depth> depths(std::max<size_t>(1, flags.skip_layers.size()));
  for (size_t i = 0; i < flags.skip_layers.size(); ++i) {
    depths[i].set_skip_layers(flags.skip_layers[i]);
  }
  if (flags.latency_budget_ms) SetBudget(*flags.latency_budget_ms, depths.data());
  if (flags.min_quality) depths[0].set_min_quality(*flags.min_quality);
  return depths;
}

}  // namespace

absl::StatusOr<v1::TaskSelector> ParseTask(absl::string_view spec) {
  v1::TaskSelector selector;
  const std::pair<absl::string_view, absl::string_view> at =
      absl::StrSplit(spec, absl::MaxSplits('@', 1));
  const std::pair<absl::string_view, absl::string_view> slash =
      absl::StrSplit(at.first, absl::MaxSplits('/', 1));
  if (slash.first.empty()) return Wrong(spec, "the name is empty");
  selector.set_name(std::string(slash.first));
  if (slash.first.size() != at.first.size()) {
    uint32_t version = 0;
    if (!absl::SimpleAtoi(slash.second, &version) || version == 0) {
      return Wrong(spec, "the version behind '/' is a number from 1 on");
    }
    selector.set_version(version);
  }
  if (at.first.size() != spec.size() && !ParseDepth(at.second, selector.mutable_depth())) {
    return Wrong(spec,
                 "the depth behind '@' is a number of layers, a budget such as 20ms, or a "
                 "quality such as q0.95");
  }
  return selector;
}

std::vector<v1::TaskSelector> WithDepths(const std::vector<v1::TaskSelector>& tasks,
                                         const DepthFlags& flags) {
  const bool bounds = flags.quality_floor.has_value() || flags.allow_untrained_depth;
  std::vector<v1::TaskSelector> selectors;
  for (const v1::TaskSelector& task : tasks) {
    const std::vector<v1::Depth> depths =
        task.has_depth() ? std::vector<v1::Depth>{task.depth()} : FlagDepths(flags);
    for (const v1::Depth& depth : depths) {
      v1::TaskSelector& selector = selectors.emplace_back(task);
      if (depth.choice_case() == v1::Depth::CHOICE_NOT_SET && !bounds) continue;
      *selector.mutable_depth() = depth;
      if (flags.quality_floor) selector.mutable_depth()->set_quality_floor(*flags.quality_floor);
      selector.mutable_depth()->set_allow_untrained_depth(flags.allow_untrained_depth);
    }
  }
  return selectors;
}

}  // namespace fathom
