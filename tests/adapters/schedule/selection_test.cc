#include "adapters/schedule/selection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace fathom::training {
namespace {

using testing::ElementsAre;

SkipScheduleOptions Robust(int layers) { return {.method = Method::kRobust, .layers = layers}; }

TEST(SelectionDepths, AreFixedByMethodAndLayerCount) {
  EXPECT_THAT(SelectionDepths(Robust(12)), ElementsAre(0, 3, 6, 9));
  EXPECT_THAT(SelectionDepths(Robust(6)), ElementsAre(0, 1, 3, 4));
  EXPECT_THAT(SelectionDepths(Robust(2)), ElementsAre(0, 1));
  EXPECT_THAT(SelectionDepths(Robust(1)), ElementsAre(0));
  EXPECT_THAT(SelectionDepths({.method = Method::kStandard, .layers = 12}), ElementsAre(0));
  EXPECT_THAT(SelectionDepths({.method = Method::kSpecialized, .layers = 12, .given_depth = 7}),
              ElementsAre(7));
}

TEST(SelectionDepths, FollowTheRule) {
  EXPECT_THAT(SelectionDepths(Robust(12), *ParseSelectionRule("n=5")), ElementsAre(5));
  EXPECT_THAT(SelectionDepths(Robust(12), *ParseSelectionRule("worst")), ElementsAre(0, 3, 6, 9));
}

TEST(SelectionScore, IsTheMeanOrTheWorst) {
  const std::vector<DepthPoint> points = {{0, 0.9}, {3, 0.8}, {6, 0.4}};
  EXPECT_DOUBLE_EQ(SelectionScore(points, *ParseSelectionRule("mean")), 0.7);
  EXPECT_DOUBLE_EQ(SelectionScore(points, *ParseSelectionRule("worst")), 0.4);
}

TEST(SelectionScore, IsNaNWhereAnyScoreIs) {
  const std::vector<DepthPoint> points = {{0, 0.9}, {3, std::numeric_limits<double>::quiet_NaN()}};
  EXPECT_TRUE(std::isnan(SelectionScore(points, *ParseSelectionRule("mean"))));
  EXPECT_TRUE(std::isnan(SelectionScore(points, *ParseSelectionRule("worst"))));
}

TEST(SelectionRule, NamesRoundTrip) {
  for (const char* name : {"mean", "worst", "n=0", "n=11"}) {
    EXPECT_EQ(SelectionRuleName(*ParseSelectionRule(name)), name);
  }
  for (const char* name : {"", "best", "n=", "n=-1", "n=x", "5"}) {
    EXPECT_FALSE(ParseSelectionRule(name).has_value()) << name;
  }
}

}  // namespace
}  // namespace fathom::training
