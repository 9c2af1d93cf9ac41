#include "runtime/depth/row_times.h"

#include <random>

#include "gtest/gtest.h"

namespace fathom {
namespace {

TEST(MsAt, IsExactAtTheKnotsAndLinearBetween) {
  const RowTimes knots = {{1, 2}, {5, 4}, {10, 24}};
  for (const RowTime& knot : knots) EXPECT_EQ(MsAt(knots, knot.rows), knot.ms);
  EXPECT_DOUBLE_EQ(MsAt(knots, 3), 3);
  EXPECT_DOUBLE_EQ(MsAt(knots, 6), 8);
}

TEST(MsAt, GoesOnByTheLastSlopeAndStopsAtTheFirstKnot) {
  const RowTimes knots = {{4, 2}, {8, 4}, {16, 8}};
  EXPECT_DOUBLE_EQ(MsAt(knots, 32), 16);
  EXPECT_DOUBLE_EQ(MsAt(knots, 1), 2);
  EXPECT_EQ(MsAt(knots, 0), 0);
}

TEST(MsAt, DoesNotFallAboveTheLastKnot) {
  EXPECT_DOUBLE_EQ(MsAt(RowTimes{{4, 5}, {8, 4}}, 100), 4);
  EXPECT_DOUBLE_EQ(MsAt(RowTimes{{4, 5}}, 100), 5);
}

TEST(NeverFalling, MakesEveryRowCountCostAtLeastAsMuchAsFewer) {
  std::mt19937 random(7);
  std::uniform_real_distribution<double> ms(0.1, 9);
  RowTimes knots;
  for (int64_t rows = 1; rows <= 512; rows *= 2) knots.push_back({rows, ms(random)});
  knots = NeverFalling(knots);
  for (int64_t rows = 1; rows < 1000; ++rows) {
    EXPECT_LE(MsAt(knots, rows), MsAt(knots, rows + 1) + 1e-12);
  }
}

}  // namespace
}  // namespace fathom
