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
