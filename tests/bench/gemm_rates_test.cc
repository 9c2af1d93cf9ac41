#include "tests/bench/gemm_rates.h"

#include <algorithm>

#include "gtest/gtest.h"
#include "tests/support/random_model.h"

namespace fathom::bench {
namespace {

TEST(GemmRates, MakeACurveFromOneRowTo512) {
  const EncoderConfig config = SmallEncoderConfig();
  const auto encoder = RandomEncoder(config, 1);
  GemmRates rates(*encoder, {.hidden = config.hidden_size,
                             .intermediate = config.intermediate_size,
                             .heads = config.heads});
  rates.Round();
  const RateCurve curve = rates.Curve();
  EXPECT_EQ(curve.front().rows, 1);
  EXPECT_EQ(curve.back().rows, 512);
  const auto fewer_rows = [](const RatePoint& a, const RatePoint& b) { return a.rows < b.rows; };
  EXPECT_TRUE(std::is_sorted(curve.begin(), curve.end(), fewer_rows));
  for (const RatePoint& point : curve) EXPECT_GT(point.gflops, 0) << point.rows;
}

}  // namespace
}  // namespace fathom::bench
