#include "adapters/report/progress.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

namespace fathom::training {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(Progress, DurationsReadWell) {
  EXPECT_EQ(FormatDuration(0), "0 s");
  EXPECT_EQ(FormatDuration(59.4), "59 s");
  EXPECT_EQ(FormatDuration(130), "2 min 10 s");
  EXPECT_EQ(FormatDuration(3900), "1 h 05 min");
}

TEST(Progress, LineNamesStepLossRateAndTimeLeft) {
  EXPECT_EQ(FormatProgress({120, 1560, 0.41234, 213.4, 130}),
            "step 120/1560  loss 0.4123  213 texts/s  2 min 10 s left");
}

TEST(Progress, BarFillsWithTheSteps) {
  EXPECT_THAT(FormatBar({5, 10, 0, 0, 0}, 4), HasSubstr("██░░  step"));
  EXPECT_THAT(FormatBar({10, 10, 0, 0, 0}, 4), HasSubstr("████  step"));
  EXPECT_THAT(FormatBar({0, 0, 0, 0, 0}, 4), HasSubstr("░░░░  step"));
}

TEST(Progress, WithoutATerminalNothingIsRewritten) {
  std::ostringstream out;
  Progress progress(out, /*terminal=*/false, 3, 5);
  progress.Step(1.0, 32);
  progress.Step(1.0, 32);
  progress.Message("kept");
  EXPECT_THAT(out.str(), HasSubstr("step 5/5"));
  EXPECT_THAT(out.str(), HasSubstr("kept\n"));
  EXPECT_THAT(out.str(), Not(HasSubstr("\r")));
}

TEST(Progress, OnATerminalALineIsRewrittenAndEnded) {
  std::ostringstream out;
  Progress progress(out, /*terminal=*/true, 0, 1);
  progress.Step(1.0, 32);
  EXPECT_THAT(out.str(), HasSubstr("\r"));
  EXPECT_EQ(out.str().back(), '\n');
}

}  // namespace
}  // namespace fathom::training
