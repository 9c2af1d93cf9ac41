#include "adapters/report/curve.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fathom::training {
namespace {

using testing::HasSubstr;

TEST(Curve, ShowsEveryDepthAgainstTheBaseline) {
  DepthProfile profile;
  profile.metric = "accuracy";
  profile.samples = 872;
  profile.majority_baseline = 0.5;
  profile.points = {{0, 0.9, 1.0}, {1, 0.7, 0.75}, {2, 0.4, std::nullopt}};
  const std::string text = FormatCurve(profile, {0, 1});
  EXPECT_THAT(text, HasSubstr("dev accuracy over 872 rows"));
  EXPECT_THAT(text, HasSubstr("0.5000, the score of a constant answer"));
  EXPECT_THAT(text, HasSubstr("   1   0.7000  "));
  EXPECT_THAT(text, HasSubstr(" 75.0 % as n = 0\n"));
  EXPECT_THAT(text, HasSubstr("(not trained)\n"));
}

TEST(Curve, DrawsSomethingWhereNothingWasLearned) {
  DepthProfile profile;
  profile.metric = "matthews";
  profile.points = {{0, 0.0, std::nullopt}};
  EXPECT_THAT(FormatCurve(profile, {0, 0}), HasSubstr("0.0000"));
}

}  // namespace
}  // namespace fathom::training
