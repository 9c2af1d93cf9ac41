#include "server/grpc/depth.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <string>

#include "tests/server/fake_engine.h"

namespace fathom {
namespace {

using Kind = DepthChoice::Kind;
using ::testing::HasSubstr;

struct DepthCase {
  std::string title;
  std::function<void(v1::Depth&)> set;
  DepthChoice choice;
  absl::StatusCode code = absl::StatusCode::kOk;
  std::string message;
};

// A task that was trained for n = 4 … 8 of 12 layers.
TaskInfo Task() {
  TaskInfo task = ClassificationTask("mood", {"bad", "good"});
  task.trained_skip_layers = {.first = 4, .last = 8};
  task.default_skip_layers = 4;
  return task;
}

absl::StatusOr<DepthChoice> Resolve(const v1::Depth& depth, const TaskInfo& task) {
  return ResolveDepth(&depth, NamesIn("depth"), task, 12);
}

class ResolveDepthTable : public ::testing::TestWithParam<DepthCase> {};

TEST_P(ResolveDepthTable, Holds) {
  v1::Depth depth;
  GetParam().set(depth);
  const auto resolved = Resolve(depth, Task());
  ASSERT_EQ(resolved.status().code(), GetParam().code) << resolved.status();
  if (!resolved.ok()) {
    EXPECT_THAT(std::string(resolved.status().message()), HasSubstr(GetParam().message));
    return;
  }
  EXPECT_EQ(*resolved, GetParam().choice);
}

std::function<void(v1::Depth&)> Exact(uint32_t n, bool untrained = false) {
  return [=](v1::Depth& depth) {
    depth.set_skip_layers(n);
    depth.set_allow_untrained_depth(untrained);
  };
}

std::function<void(v1::Depth&)> Budget(int64_t seconds, int32_t nanos) {
  return [=](v1::Depth& depth) {
    depth.mutable_latency_budget()->set_seconds(seconds);
    depth.mutable_latency_budget()->set_nanos(nanos);
  };
}

std::function<void(v1::Depth&)> MinQuality(float share) {
  return [=](v1::Depth& depth) { depth.set_min_quality(share); };
}

std::function<void(v1::Depth&)> Floor(float share) {
  return [=](v1::Depth& depth) { depth.set_quality_floor(share); };
}

DepthCase Accepted(const std::string& title, std::function<void(v1::Depth&)> set,
                   const DepthChoice& choice) {
  return {title, std::move(set), choice, absl::StatusCode::kOk, ""};
}

DepthCase Refused(const std::string& title, std::function<void(v1::Depth&)> set,
                  const std::string& message,
                  absl::StatusCode code = absl::StatusCode::kInvalidArgument) {
  return {title, std::move(set), {}, code, message};
}

DepthChoice ExactChoice(int n, bool untrained = false) {
  return {.kind = Kind::kExact, .skip_layers = n, .allow_untrained_depth = untrained};
}

const float kNan = std::nanf("");

INSTANTIATE_TEST_SUITE_P(
    Cases, ResolveDepthTable,
    ::testing::Values(
        Accepted("NoChoiceIsTheDefault", [](v1::Depth&) {}, {}),
        Accepted("AFloorAlone", Floor(0.5F), {.quality_floor = 0.5}),
        Accepted("FirstTrained", Exact(4), ExactChoice(4)),
        Accepted("LastTrained", Exact(8), ExactChoice(8)),
        Refused("BelowTheTrained", Exact(3), "4 to 8"),
        Refused("AboveTheTrained", Exact(9), "4 to 8"),
        Refused("ZeroIsNotTheAbsenceOfAChoice", Exact(0), "4 to 8"),
        Accepted("UntrainedIfAllowed", Exact(0, true), ExactChoice(0, true)),
        Refused("AllLayersAreUntrained", Exact(12), "allow_untrained_depth"),
        Accepted("AllLayersIfAllowed", Exact(12, true), ExactChoice(12, true)),
        Refused("MoreThanAllLayersNever", Exact(13, true), "0 to 12"),
        Refused("LargestNumber", Exact(4294967295U, true), "4294967295 is out of range"),
        Refused("FloorOutOfRange", Floor(1.5F), "depth.quality_floor: 1.5 is out of range"),
        Refused("FloorNotANumber", Floor(kNan), "depth.quality_floor"),
        Accepted("LatencyBudget", Budget(0, 5'000'000),
                 {.kind = Kind::kLatencyBudget, .latency_budget = absl::Milliseconds(5)}),
        Accepted("LongestBudget", Budget(315'576'000'000, 999'999'999),
                 {.kind = Kind::kLatencyBudget,
                  .latency_budget = absl::Seconds(315'576'000'000) +
                                    absl::Nanoseconds(999'999'999)}),
        Refused("BudgetOfNothing", Budget(0, 0), "depth.latency_budget: 0 is out of range"),
        Refused("BudgetBelowNothing", Budget(-1, 0), "depth.latency_budget: -1s"),
        Refused("BudgetOfTwoSigns", Budget(1, -1), "are not a duration"),
        Refused("BudgetOfTooManyNanos", Budget(0, 1'000'000'000), "are not a duration"),
        Accepted("MinQuality", MinQuality(0.75F), {.kind = Kind::kMinQuality, .min_quality = 0.75}),
        Refused("MinQualityAboveOne", MinQuality(1.25F), "depth.min_quality: 1.25"),
        Refused("MinQualityBelowNothing", MinQuality(-0.5F), "it is 0 to 1"),
        Refused("MinQualityNotANumber", MinQuality(kNan), "depth.min_quality"),
        Refused("MinQualityThatTheLowestTrainedDoesNotKeep", MinQuality(0.95F),
                "even at 4, the lowest n", absl::StatusCode::kFailedPrecondition)),
    [](const auto& instance) { return instance.param.title; });

TEST(ResolveDepth, NoDepthIsTheDefault) {
  const auto resolved = ResolveDepth(nullptr, NamesIn("depth"), Task(), 12);
  ASSERT_TRUE(resolved.ok());
  EXPECT_EQ(*resolved, DepthChoice{});
}

TEST(ResolveDepth, MinQualityNeedsAProfileThatSaysSomething) {
  v1::Depth depth;
  depth.set_min_quality(0.5F);
  TaskInfo no_better = Task();
  no_better.profile->majority_baseline = 0.8;
  TaskInfo without = Task();
  without.profile.reset();
  for (const TaskInfo& task : {no_better, without}) {
    const absl::Status status = Resolve(depth, task).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_THAT(std::string(status.message()), HasSubstr("depth.min_quality: task 'mood' has"));
  }
  // Both are served at an n or within a time.
  EXPECT_TRUE(ResolveDepth(nullptr, NamesIn("depth"), without, 12).ok());
  depth.mutable_latency_budget()->set_seconds(1);
  EXPECT_TRUE(Resolve(depth, without).ok());
}

TEST(ResolveDepth, AllLayersNeedNoPermissionIfTrained) {
  TaskInfo task = Task();
  task.trained_skip_layers.last = 12;
  v1::Depth depth;
  depth.set_skip_layers(12);
  EXPECT_TRUE(Resolve(depth, task).ok());
}

}  // namespace
}  // namespace fathom
