#include "server/client/load/histogram.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

namespace fathom {
namespace {

TEST(LatencyHistogram, IsExactBelowAQuarterOfAMillisecond) {
  LatencyHistogram histogram;
  for (int us = 1; us <= 200; ++us) histogram.Add(us / 1000.0);
  EXPECT_EQ(histogram.count(), 200);
  EXPECT_DOUBLE_EQ(histogram.QuantileMs(0.5), 0.100);
  EXPECT_DOUBLE_EQ(histogram.QuantileMs(0.99), 0.198);
  EXPECT_DOUBLE_EQ(histogram.QuantileMs(1), 0.200);
  EXPECT_DOUBLE_EQ(histogram.QuantileMs(0), 0.001);
  EXPECT_NEAR(histogram.mean_ms(), 0.1005, 1e-9);
}

TEST(LatencyHistogram, QuantilesAreWithinOnePercentOverSevenDecades) {
  std::mt19937_64 random(7);
  std::uniform_real_distribution<double> exponent(-3, 4);
  std::vector<double> values;
  LatencyHistogram histogram;
  for (int i = 0; i < 20000; ++i) {
    values.push_back(std::pow(10.0, exponent(random)));
    histogram.Add(values.back());
  }
  std::sort(values.begin(), values.end());
  for (const double share : {0.01, 0.1, 0.5, 0.9, 0.99, 0.999}) {
    const double exact = values[static_cast<size_t>(std::ceil(share * 20000)) - 1];
    EXPECT_GE(histogram.QuantileMs(share), exact - 0.0006) << share;
    EXPECT_LE(histogram.QuantileMs(share), exact * 1.008 + 0.001) << share;
  }
  EXPECT_DOUBLE_EQ(histogram.QuantileMs(1), values.back());
}

TEST(LatencyHistogram, EmptyIsZeroAndBelowZeroCountsAsZero) {
  LatencyHistogram histogram;
  EXPECT_EQ(histogram.QuantileMs(0.5), 0);
  EXPECT_EQ(histogram.mean_ms(), 0);
  histogram.Add(-1);
  EXPECT_EQ(histogram.count(), 1);
  EXPECT_EQ(histogram.max_ms(), 0);
}

}  // namespace
}  // namespace fathom
