#include "runtime/depth/brownout.h"

#include "gtest/gtest.h"

namespace fathom {
namespace {

class BrownoutTest : public ::testing::Test {
 protected:
  // At `seconds` after the start.
  int Observe(double seconds, double share) {
    brownout_.Observe(share, At(seconds));
    return brownout_.steps(At(seconds));
  }
  static absl::Time At(double seconds) {
    return absl::FromUnixSeconds(1'000'000) + absl::Seconds(seconds);
  }

  Brownout brownout_{3};
};

TEST_F(BrownoutTest, StaysOffUpToHalf) {
  EXPECT_EQ(Observe(0, 0), 0);
  EXPECT_EQ(Observe(1, 0.5), 0);
  EXPECT_EQ(Observe(100, 0.5), 0);
}

TEST_F(BrownoutTest, RisesAStepAnIntervalUpToItsMost) {
  EXPECT_EQ(Observe(0, 0.51), 1);
  EXPECT_EQ(Observe(0.1, 0.9), 1);
  EXPECT_EQ(Observe(0.2, 1.0), 1);
  EXPECT_EQ(Observe(0.25, 0.6), 2);
  EXPECT_EQ(Observe(60, 0.6), 3);  // one step, however long it was
  EXPECT_EQ(Observe(120, 1.0), 3);
}

TEST_F(BrownoutTest, StaysBetweenTheTwoShares) {
  Observe(0, 0.9);
  for (int second = 1; second < 100; ++second) EXPECT_EQ(Observe(second, 0.3), 1);
}

TEST_F(BrownoutTest, FallsAStepForEveryFiveCalmSeconds) {
  for (const double second : {0, 1, 2}) Observe(second, 0.9);
  EXPECT_EQ(Observe(3, 0.19), 3);
  EXPECT_EQ(Observe(7.9, 0), 3);
  EXPECT_EQ(Observe(8, 0), 2);
  EXPECT_EQ(Observe(12.9, 0), 2);
  EXPECT_EQ(Observe(13, 0), 1);
  EXPECT_EQ(Observe(18, 0), 0);
}

TEST_F(BrownoutTest, ABusyMomentStartsTheCalmAgain) {
  Observe(0, 0.9);
  Observe(1, 0.1);
  EXPECT_EQ(Observe(5.9, 0.2), 1);
  EXPECT_EQ(Observe(6.5, 0.1), 1);
  EXPECT_EQ(Observe(11.4, 0.1), 1);
  EXPECT_EQ(Observe(11.5, 0.1), 0);
}

// An empty queue tells nothing until the next call comes.
TEST_F(BrownoutTest, FallsWithoutBeingTold) {
  for (const double second : {0, 1, 2}) Observe(second, 0.9);
  Observe(3, 0);
  EXPECT_EQ(brownout_.steps(At(7.9)), 3);
  EXPECT_EQ(brownout_.steps(At(13.5)), 1);
  EXPECT_EQ(brownout_.steps(At(1e9)), 0);
  EXPECT_EQ(Observe(14, 0.9), 2);  // two fell, and one rose
  EXPECT_EQ(brownout_.steps(At(1e9)), 2);
}

TEST_F(BrownoutTest, AClockThatJumpsBackStartsTheWaitingAgain) {
  Observe(1000, 0.9);
  EXPECT_EQ(Observe(0, 0.9), 1);
  EXPECT_EQ(Observe(0.25, 0.9), 2);
  Observe(0.5, 0);
  Observe(-500, 0);
  EXPECT_EQ(Observe(-495.1, 0), 2);
  EXPECT_EQ(Observe(-495, 0), 1);
}

TEST_F(BrownoutTest, AClockThatJumpsForwardEndsIt) {
  Observe(0, 0.9);
  Observe(1, 0.1);
  EXPECT_EQ(Observe(1e12, 0.1), 0);
}

}  // namespace
}  // namespace fathom
