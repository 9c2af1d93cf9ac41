#include "tests/bench/report.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace fathom::bench {
namespace {

using testing::HasSubstr;

std::vector<Result> TwoResults() {
  return {{.workload = "fanout",
           .name = "n = 0",
           .parameters = {{"skip_layers", 0}},
           .ms_median = 40,
           .ms_best = 37.5,
           .limit_ms = 30,
           .predicted_ms = 44,
           .sequences = 8,
           .row_layers_run = 1000,
           .row_layers_shared = 50},
          {.workload = "fanout",
           .name = "n = 1",
           .parameters = {{"skip_layers", 1}},
           .ms_median = 20,
           .ms_best = 16,
           .limit_ms = 16,
           .predicted_ms = 19,
           .sequences = 8,
           .row_layers_run = 250,
           .row_layers_cached = 750}};
}

TEST(MarkdownTable, HasRatiosAgainstTheBaseline) {
  const std::string table = MarkdownTable(TwoResults());
  EXPECT_THAT(
      table,
      HasSubstr(
          "| n = 0 | 40.00 | 37.50 | 44.00 | 30.00 | 0.75 | 0.80 | 200.0 | 1/1.000 | 1000 | 0 |"));
  EXPECT_THAT(
      table,
      HasSubstr(
          "| n = 1 | 20.00 | 16.00 | 19.00 | 16.00 | 0.80 | 1.00 | 400.0 | 1/2.000 | 250 | 750 |"));
}

TEST(MedianPredictionError, IsOfTheMeasuredTime) {
  const std::vector<Result> results = TwoResults();
  EXPECT_DOUBLE_EQ(results[0].prediction_error(), 0.1);
  EXPECT_DOUBLE_EQ(results[1].prediction_error(), 0.05);
  EXPECT_DOUBLE_EQ(MedianPredictionError(results), 0.1);  // the upper of the two
}

TEST(ToJson, IsAListWithAnObjectAResult) {
  const nlohmann::json list = ToJson(TwoResults(), {{"threads", 2}});
  ASSERT_TRUE(list.is_array());
  ASSERT_EQ(list.size(), 2U);
  EXPECT_EQ(list[0], nlohmann::json::parse(R"({
      "workload": "fanout", "parameters": {"skip_layers": 0}, "ms_median": 40.0, "ms_best": 37.5, "limit_ms": 30.0, "predicted_ms": 44.0,
      "sequences_per_second": 200.0, "row_layers_run": 1000.0, "row_layers_shared": 50.0,
      "row_layers_cached": 0.0, "run": {"threads": 2}})"));
  EXPECT_EQ(list[1]["parameters"]["skip_layers"], 1);
}

}  // namespace
}  // namespace fathom::bench
