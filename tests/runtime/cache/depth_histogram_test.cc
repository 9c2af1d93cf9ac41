#include "runtime/cache/depth_histogram.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fathom {
namespace {

using ::testing::DoubleEq;
using ::testing::Each;
using ::testing::ElementsAre;

TEST(DepthHistogram, IsAllZeroBeforeTheFirstDepth) {
  EXPECT_THAT(DepthHistogram(3).AtLeast(), ElementsAre(0, 0, 0, 0));
}

TEST(DepthHistogram, GivesTheShareAtEachDepthOrDeeper) {
  DepthHistogram histogram(3);
  for (const int n : {0, 1, 1, 3}) histogram.Add(n);
  EXPECT_THAT(histogram.AtLeast(), ElementsAre(1, 0.75, 0.25, 0.25));
}

TEST(DepthHistogram, ForgetsWhatIsLongAgo) {
  DepthHistogram histogram(12);
  for (int i = 0; i < DepthHistogram::kHalvedAfter; ++i) histogram.Add(12);
  EXPECT_EQ(histogram.AtLeast()[12], 1);
  for (int i = 0; i < DepthHistogram::kHalvedAfter; ++i) histogram.Add(0);
  // 1 was halved twice, the other once: 1/4 against 1/2.
  EXPECT_THAT(histogram.AtLeast()[12], DoubleEq(1.0 / 3));
  for (int i = 0; i < 20 * DepthHistogram::kHalvedAfter; ++i) histogram.Add(0);
  EXPECT_LT(histogram.AtLeast()[12], 1e-5);
}

}  // namespace
}  // namespace fathom
