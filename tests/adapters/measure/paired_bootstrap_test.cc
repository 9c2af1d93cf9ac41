#include "adapters/measure/paired_bootstrap.h"

#include <gtest/gtest.h>

#include <vector>

namespace fathom::training {
namespace {

// Expected values: make_bootstrap_golden.py.

TEST(Quantile, EqualsNumpy) {
  const std::vector<double> values = {0.3, -1.0, 2.5, 0.0, 7.25, 3.5, 3.5};
  EXPECT_NEAR(Quantile(values, 0), -1.0, 1e-12);
  EXPECT_NEAR(Quantile(values, 0.025), -0.85, 1e-12);
  EXPECT_NEAR(Quantile(values, 0.5), 2.5, 1e-12);
  EXPECT_NEAR(Quantile(values, 0.6), 3.1, 1e-12);
  EXPECT_NEAR(Quantile(values, 0.975), 6.6875, 1e-12);
  EXPECT_NEAR(Quantile(values, 1), 7.25, 1e-12);
  EXPECT_EQ(Quantile({4}, 0.3), 4);
}

// Share of rows whose number no divisor of the list divides.
double Correct(size_t list, absl::Span<const int64_t> rows) {
  constexpr int64_t kWrongEvery[] = {10, 4, 10};
  double correct = 0;
  for (const int64_t row : rows) correct += row % kWrongEvery[list] != 0;
  return correct / static_cast<double>(rows.size());
}

TEST(PairedHalfWidths, IsNearScipysOnTheSameRows) {
  const std::vector<double> widths = PairedHalfWidths(3, 400, Correct);
  EXPECT_EQ(widths[0], 0);
  EXPECT_NEAR(widths[1], 0.0475, 0.004);
  EXPECT_EQ(widths[2], 0) << "equal answers are paired: no draw tells them apart";
}

TEST(PairedHalfWidths, SameSeedSameNumbers) {
  EXPECT_EQ(PairedHalfWidths(2, 400, Correct), PairedHalfWidths(2, 400, Correct));
  EXPECT_NE(PairedHalfWidths(2, 397, Correct, {.resamples = 50, .seed = 2}),
            PairedHalfWidths(2, 397, Correct, {.resamples = 50, .seed = 3}));
}

TEST(PairedHalfWidths, NarrowsWithTheRowsAndWidensWithTheCoverage) {
  const double few = PairedHalfWidths(2, 100, Correct)[1];
  const double many = PairedHalfWidths(2, 1600, Correct)[1];
  EXPECT_NEAR(few / many, 4, 0.8) << "with the square root of the rows";
  EXPECT_GT(PairedHalfWidths(2, 100, Correct, {.coverage = 0.99})[1], few);
}

}  // namespace
}  // namespace fathom::training
