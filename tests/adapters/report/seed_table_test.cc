#include "adapters/report/seed_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fathom::training {
namespace {

using testing::HasSubstr;

TEST(SeedTable, DeviationIsThatOfASample) {
  // numpy.mean and numpy.std(ddof=1).
  const MeanAndDeviation summary = Summarize({0.61, 0.7, 0.655, 0.5});
  EXPECT_NEAR(summary.mean, 0.61625, 1e-12);
  EXPECT_NEAR(summary.deviation, 0.085768583992, 1e-11);
  EXPECT_EQ(Summarize({0.4}).deviation, 0);
}

TEST(SeedTable, HasALineForEveryDepth) {
  DepthProfile first{.metric = "accuracy", .points = {{0, 0.9}, {1, 0.8}}, .samples = 24};
  DepthProfile second = first;
  second.points[1].score = 0.6;
  const std::string text = FormatSeedTable({{1, first}, {22, second}});
  EXPECT_THAT(text, HasSubstr("accuracy over 24 rows, mean ± deviation over 2 seeds"));
  EXPECT_THAT(text, HasSubstr("   0   0.9000 ± 0.0000    0.9000    0.9000\n"));
  EXPECT_THAT(text, HasSubstr("   1   0.7000 ± 0.1414    0.8000    0.6000\n"));
}

}  // namespace
}  // namespace fathom::training
