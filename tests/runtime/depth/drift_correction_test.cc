#include "runtime/depth/drift_correction.h"

#include <cmath>

#include "gtest/gtest.h"

namespace fathom {
namespace {

TEST(DriftCorrection, FollowsTheMachineSlowly) {
  DriftCorrection drift;
  EXPECT_EQ(drift.Correct(10), 10);
  drift.Observe(10, 15);
  EXPECT_LT(drift.Correct(10), 10.2);
  for (int i = 0; i < 500; ++i) drift.Observe(10, 15);
  EXPECT_NEAR(drift.Correct(10), 15, 0.01);
}

// Every tenth pass takes half as long again, every hundredth three times as long.
TEST(DriftCorrection, KnowsHowLatePassesEnd) {
  DriftCorrection drift;
  const auto actual = [](int pass) { return pass % 100 == 0 ? 30 : pass % 10 == 0 ? 15 : 10; };
  for (int pass = 1; pass <= 5000; ++pass) drift.Observe(10, actual(pass));
  int in_time = 0;
  for (int pass = 5001; pass <= 7000; ++pass) {
    in_time += actual(pass) <= drift.LateMs(10);
    drift.Observe(10, actual(pass));
  }
  EXPECT_NEAR(in_time / 2000.0, DriftCorrection::kInTime, 0.02);
  EXPECT_GT(drift.LateMs(10), drift.Correct(10));
}

TEST(DriftCorrection, AMachineThatKeepsItsTimesIsNeverLate) {
  DriftCorrection drift;
  for (int pass = 0; pass < 1000; ++pass) drift.Observe(10, 12);
  EXPECT_NEAR(drift.Correct(10), 12, 1e-3);
  EXPECT_NEAR(drift.LateMs(10), 12, 0.5);
}

TEST(DriftCorrection, IsNotMovedFarByOnePass) {
  DriftCorrection drift;
  drift.Observe(1, 1e6);
  EXPECT_LT(drift.factor(), 1.03);
  for (int i = 0; i < 5000; ++i) drift.Observe(1, 1e6);
  EXPECT_LE(drift.factor(), DriftCorrection::kLargestRatio);
}

TEST(DriftCorrection, IgnoresWhatIsNoTime) {
  DriftCorrection drift;
  for (const double bad : {0.0, -1.0, std::nan("")}) {
    drift.Observe(bad, 1);
    drift.Observe(1, bad);
  }
  EXPECT_EQ(drift.factor(), 1);
}

}  // namespace
}  // namespace fathom
