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
  profile.points = {{0, 0.9, 1.0}, {1, 0.7, 0.75}, {2, 0.4}};
  const std::string text = FormatCurve(profile, SkipRange{0, 1});
  EXPECT_THAT(text, HasSubstr("accuracy over 872 rows"));
  EXPECT_THAT(text, HasSubstr("0.5000, the score of a constant answer"));
  EXPECT_THAT(text, HasSubstr("   1   0.7000  "));
  EXPECT_THAT(text, HasSubstr(" 75.0 % as n = 0\n"));
  EXPECT_THAT(text, HasSubstr("(not trained)\n"));
}

TEST(Curve, ShowsHowSureAndHowFastWhereThatWasMeasured) {
  DepthProfile profile;
  profile.metric = "accuracy";
  profile.points = {{0, 0.9, 1.0, 0.9, 0.0, 2.0, 8.0}, {1, 0.7, 0.75, 0.7, 0.0123, 1.94, 4.0}};
  const std::string text = FormatCurve(profile, std::nullopt);
  EXPECT_THAT(text, HasSubstr("   1   0.7000 ±0.0123  "));
  EXPECT_THAT(text, HasSubstr("  1.9 ms, 8 tasks 4.0 ms\n"));
  EXPECT_THAT(text, testing::Not(HasSubstr("not trained"))) << "the range is not known";
}

TEST(Curve, DrawsSomethingWhereNothingWasLearned) {
  DepthProfile profile;
  profile.metric = "matthews";
  profile.points = {{0, 0.0}};
  EXPECT_THAT(FormatCurve(profile, SkipRange{0, 0}), HasSubstr("0.0000"));
}

}  // namespace
}  // namespace fathom::training
