#include "server/depth/task_depth_policies.h"

#include <cmath>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace fathom {
namespace {

using ::testing::HasSubstr;

TaskInfo Task(const std::string& name) {
  return {.name = name, .trained_skip_layers = {.first = 2, .last = 7}, .default_skip_layers = 2};
}

TEST(TaskDepthPolicies, HoldWhatWasSaidOfEachTask) {
  TaskDepthPolicies policies({.brownout = true});
  const auto changed = policies.Change(Task("mood"), {.quality_floor = 0.9, .shadow_ratio = 0.0});
  ASSERT_TRUE(changed.ok()) << changed.status();
  const TaskDepthPolicy expected{.quality_floor = 0.9, .brownout = true, .shadow_ratio = 0};
  EXPECT_EQ(*changed, expected);
  EXPECT_EQ(policies.Get("mood"), expected);
  EXPECT_EQ(policies.Get("topic"), TaskDepthPolicy{.brownout = true});
}

TEST(TaskDepthPolicies, WhatIsAbsentStays) {
  TaskDepthPolicies policies;
  ASSERT_TRUE(policies.Change(Task("mood"), {.default_skip_layers = 7}).ok());
  ASSERT_TRUE(policies.Change(Task("mood"), {.brownout = true}).ok());
  const auto all = policies.Change(Task("mood"), {});
  ASSERT_TRUE(all.ok());
  EXPECT_EQ(all->default_skip_layers, 7);
  EXPECT_TRUE(all->brownout);
  EXPECT_EQ(all->quality_floor, 0.95);
}

TEST(TaskDepthPolicies, RefuseWhatIsOutOfRangeAndChangeNothing) {
  const std::pair<DepthPolicyChange, const char*> cases[] = {
      {{.quality_floor = 1.5}, "quality_floor: 1.5 is out of range; it is 0 to 1"},
      {{.quality_floor = -0.1}, "quality_floor: -0.1"},
      {{.quality_floor = std::nan("")}, "quality_floor: nan"},
      {{.shadow_ratio = 2.0}, "shadow_ratio: 2 is out of range"},
      {{.default_skip_layers = 1}, "default_skip_layers: 1 is outside"},
      {{.quality_floor = 0.5, .default_skip_layers = 8}, "'mood' was trained for, 2 to 7"},
  };
  for (const auto& [change, says] : cases) {
    TaskDepthPolicies policies;
    const auto changed = policies.Change(Task("mood"), change);
    EXPECT_EQ(changed.status().code(), absl::StatusCode::kInvalidArgument) << says;
    EXPECT_THAT(std::string(changed.status().message()), HasSubstr(says));
    EXPECT_EQ(policies.Get("mood"), TaskDepthPolicy{}) << says;
  }
}

}  // namespace
}  // namespace fathom
