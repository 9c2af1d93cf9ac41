#include "adapters/schedule/learning_rate.h"

#include <gtest/gtest.h>

namespace fathom::training {
namespace {

TEST(LearningRate, WarmsUpThenFallsLinearlyToNothing) {
  const LearningRateSchedule schedule{.peak = 1e-3, .warmup_share = 0.06, .total_steps = 100};
  EXPECT_DOUBLE_EQ(schedule.At(0), 1e-3 / 6);
  EXPECT_DOUBLE_EQ(schedule.At(5), 1e-3);
  EXPECT_DOUBLE_EQ(schedule.At(6), 1e-3);
  EXPECT_DOUBLE_EQ(schedule.At(53), 1e-3 * 47 / 94);
  EXPECT_DOUBLE_EQ(schedule.At(99), 1e-3 / 94);
  EXPECT_DOUBLE_EQ(schedule.At(100), 0);
}

TEST(LearningRate, HasNoWarmUpForShareZeroAndOneStepIsEnough) {
  EXPECT_DOUBLE_EQ((LearningRateSchedule{.peak = 1, .warmup_share = 0, .total_steps = 4}).At(0), 1);
  EXPECT_DOUBLE_EQ((LearningRateSchedule{.peak = 1, .total_steps = 1}).At(0), 1);
}

}  // namespace
}  // namespace fathom::training
