#include "runtime/depth/depth_quality.h"

#include <cmath>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace fathom {
namespace {

using ::testing::HasSubstr;

TaskInfo Task() {
  TaskInfo task{.name = "mood", .trained_skip_layers = {.first = 0, .last = 11}};
  task.profile = {.metric = "accuracy",
                  .points = {{.skip_layers = 0, .score = 0.8},
                             {.skip_layers = 1, .score = 0.78, .half_width = 0.01},
                             {.skip_layers = 2, .score = 0.76, .agreement = 0.91}},
                  .majority_baseline = 0.5,
                  .samples = 100};
  return task;
}

TEST(CheckQualityIsKnown, SaysWhatIsMissing) {
  EXPECT_TRUE(CheckQualityIsKnown(Task()).ok());

  TaskInfo without = Task();
  without.profile.reset();
  TaskInfo not_at_zero = Task();
  not_at_zero.profile->points.erase(not_at_zero.profile->points.begin());
  TaskInfo no_better = Task();
  no_better.profile->majority_baseline = 0.8;
  TaskInfo worthless = Task();
  worthless.profile->majority_baseline.reset();
  worthless.profile->points[0].score = 0;
  TaskInfo not_a_number = Task();
  not_a_number.profile->points[0].score = std::nan("");

  const std::pair<const TaskInfo*, const char*> cases[] = {
      {&without, "has no depth profile"},    {&not_at_zero, "has no score at n = 0"},
      {&no_better, "does not beat the 0.8"}, {&worthless, "does not beat the 0"},
      {&not_a_number, "does not beat"},
  };
  for (const auto& [task, says] : cases) {
    const absl::Status status = CheckQualityIsKnown(*task);
    EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition) << says;
    EXPECT_THAT(std::string(status.message()), HasSubstr(says));
    EXPECT_THAT(std::string(status.message()), HasSubstr("'mood'"));
    EXPECT_EQ(DeepestKeeping(*task, 0, 11), std::nullopt) << says;
  }
}

TEST(LowestScore, IsTheLowerEndOfTheInterval) {
  const DepthProfile profile = *Task().profile;
  EXPECT_DOUBLE_EQ(LowestScore(profile, 0).value(), 0.8);
  EXPECT_DOUBLE_EQ(LowestScore(profile, 1).value(), 0.77);
  EXPECT_NEAR(LowestScore(profile, 2).value(), 0.76 - 1.96 * 0.03, 1e-12);
  EXPECT_EQ(LowestScore(profile, 3), std::nullopt);
}

TEST(LowestScore, IsTheScoreWhereNothingBoundsIt) {
  DepthProfile profile = *Task().profile;
  profile.samples = 0;
  EXPECT_DOUBLE_EQ(LowestScore(profile, 2).value(), 0.76);
  profile.samples = 100;
  profile.points[2].agreement.reset();
  EXPECT_DOUBLE_EQ(LowestScore(profile, 2).value(), 0.76);
}

TEST(DeepestKeeping, EndsWhereTheScoreOrTheProfileEnds) {
  TaskInfo task = Task();
  EXPECT_EQ(DeepestKeeping(task, 0.95, 11), 1);
  EXPECT_EQ(DeepestKeeping(task, 0.97, 11), 0);
  EXPECT_EQ(DeepestKeeping(task, 0, 11), 2);
  EXPECT_EQ(DeepestKeeping(task, 0, 1), 1);
  task.trained_skip_layers = {.first = 2, .last = 2};
  EXPECT_EQ(DeepestKeeping(task, 0.5, 2), 2);
  EXPECT_EQ(DeepestKeeping(task, 0.95, 2), std::nullopt);
}

// 0.95 · 0.8 is 0.76: a decimal's rounding must not decide.
TEST(DeepestKeeping, AScoreExactlyAtTheShareKeepsIt) {
  TaskInfo task = Task();
  task.profile->points[1] = {.skip_layers = 1, .score = 0.76};
  EXPECT_EQ(DeepestKeeping(task, 0.95, 1), 1);
}

}  // namespace
}  // namespace fathom
