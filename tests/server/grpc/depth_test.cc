#include "server/grpc/depth.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "tests/server/fake_engine.h"

namespace fathom {
namespace {

using ::testing::HasSubstr;

struct DepthCase {
  std::string title;
  std::function<void(v1::Depth&)> set;
  int n = 0;
  v1::DepthReason reason = v1::DEPTH_REASON_EXACT;
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

class ResolveDepthTable : public ::testing::TestWithParam<DepthCase> {};

TEST_P(ResolveDepthTable, Holds) {
  v1::Depth depth;
  GetParam().set(depth);
  const auto resolved = ResolveDepth(&depth, "depth", Task(), 12);
  ASSERT_EQ(resolved.status().code(), GetParam().code) << resolved.status();
  if (!resolved.ok()) {
    EXPECT_THAT(resolved.status().message(), HasSubstr(GetParam().message));
    return;
  }
  EXPECT_EQ(resolved->skip_layers, GetParam().n);
  EXPECT_EQ(resolved->reason, GetParam().reason);
}

std::function<void(v1::Depth&)> Exact(uint32_t n, bool untrained = false) {
  return [=](v1::Depth& depth) {
    depth.set_skip_layers(n);
    depth.set_allow_untrained_depth(untrained);
  };
}

DepthCase Accepted(const std::string& title, std::function<void(v1::Depth&)> set, int n,
                   v1::DepthReason reason = v1::DEPTH_REASON_EXACT) {
  return {title, std::move(set), n, reason, absl::StatusCode::kOk, ""};
}

DepthCase Refused(const std::string& title, std::function<void(v1::Depth&)> set,
                  const std::string& message,
                  absl::StatusCode code = absl::StatusCode::kInvalidArgument) {
  return {title, std::move(set), 0, v1::DEPTH_REASON_UNSPECIFIED, code, message};
}

INSTANTIATE_TEST_SUITE_P(
    Cases, ResolveDepthTable,
    ::testing::Values(
        Accepted(
            "NoChoiceIsTheDefault", [](v1::Depth&) {}, 4, v1::DEPTH_REASON_TASK_DEFAULT),
        Accepted("FirstTrained", Exact(4), 4), Accepted("LastTrained", Exact(8), 8),
        Refused("BelowTheTrained", Exact(3), "4 to 8"),
        Refused("AboveTheTrained", Exact(9), "4 to 8"),
        Refused("ZeroIsNotTheAbsenceOfAChoice", Exact(0), "4 to 8"),
        Accepted("UntrainedIfAllowed", Exact(0, true), 0),
        Refused("AllLayersAreUntrained", Exact(12), "allow_untrained_depth"),
        Accepted("AllLayersIfAllowed", Exact(12, true), 12),
        Refused("MoreThanAllLayersNever", Exact(13, true), "0 to 12"),
        Refused("LargestNumber", Exact(4294967295U, true), "4294967295 is out of range"),
        Refused(
            "FloorOutOfRange", [](v1::Depth& depth) { depth.set_quality_floor(1.5F); },
            "depth.quality_floor"),
        Refused(
            "FloorNotANumber", [](v1::Depth& depth) { depth.set_quality_floor(std::stof("nan")); },
            "depth.quality_floor"),
        Refused(
            "LatencyBudget", [](v1::Depth& depth) { depth.mutable_latency_budget(); },
            "depth.latency_budget is not built in", absl::StatusCode::kUnimplemented),
        Refused(
            "MinQuality", [](v1::Depth& depth) { depth.set_min_quality(0.9F); }, "give skip_layers",
            absl::StatusCode::kUnimplemented)),
    [](const auto& instance) { return instance.param.title; });

TEST(ResolveDepth, NoDepthIsTheDefault) {
  const auto resolved = ResolveDepth(nullptr, "depth", Task(), 12);
  ASSERT_TRUE(resolved.ok());
  EXPECT_EQ(resolved->skip_layers, 4);
  EXPECT_EQ(resolved->reason, v1::DEPTH_REASON_TASK_DEFAULT);
}

TEST(ResolveDepth, AllLayersNeedNoPermissionIfTrained) {
  TaskInfo task = Task();
  task.trained_skip_layers.last = 12;
  v1::Depth depth;
  depth.set_skip_layers(12);
  EXPECT_TRUE(ResolveDepth(&depth, "depth", task, 12).ok());
}

}  // namespace
}  // namespace fathom
