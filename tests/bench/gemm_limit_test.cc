#include "tests/bench/gemm_limit.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "runtime/task/loaded_task.h"
#include "tests/support/random_model.h"

namespace fathom::bench {
namespace {

using testing::UnorderedElementsAre;

constexpr ModelSizes kSizes{.hidden = 4, .intermediate = 10, .heads = 2, .bottleneck = 3};

// Two layers, `tasks` Pfeiffer tasks on one text of three tokens.
PassPlan Plan(int tasks, int skip_layers, Reads reads) {
  const AdapterLayout layout = PfeifferLayout(2);
  PlanText text{.tokens = 3};
  for (int task = 0; task < tasks; ++task) {
    text.tasks.push_back(
        {.adapter = task, .layout = &layout, .skip_layers = skip_layers, .reads = reads});
  }
  return PlanPass(2, {&text, 1});
}

TEST(CountWork, CountsLayersWhoseRowsAreAllRead) {
  const auto work = CountWork(Plan(1, 0, Reads::kAllRows), kSizes);
  std::vector<RowsWork> layer = {
      {3, 2 * 3 * 4 * 12},        // query, key, value
      {3, 2 * (2 * 3 * 3 * 4)},   // scores and sums
      {3, 2 * 3 * 4 * 4},         // attention's dense
      {3, 2 * (2 * 3 * 4 * 10)},  // FFN in and out
      {3, 2 * (2 * 3 * 4 * 3)},   // the adapter down and up
  };
  std::vector<RowsWork> both = layer;
  both.insert(both.end(), layer.begin(), layer.end());
  EXPECT_THAT(work, testing::UnorderedElementsAreArray(both));
}

TEST(CountHeads, CountsAHeadOnceAtAllItsRows) {
  const LoadedTask two_classes({}, RandomAdapter(PfeifferLayout(2), 4, 3, 1),
                               RandomHead(4, {"no", "yes"}, 1));
  const TokenizedText text;
  const PassText pass{.text = &text, .tasks = {{.task = &two_classes}, {.task = nullptr}}};
  const std::vector<PassText> request = {pass, pass, pass};
  EXPECT_THAT(CountHeads(request, kSizes),
              UnorderedElementsAre(RowsWork{3, 2 * 3 * 4 * 4 + 2 * 3 * 4 * 2}));
}

TEST(CountWork, CountsOneRowInTheLastLayerOfClsTasks) {
  EXPECT_THAT(
      CountWork(Plan(1, 0, Reads::kCls), kSizes),
      UnorderedElementsAre(
          // Layer 0, as above.
          RowsWork{3, 288}, RowsWork{3, 144}, RowsWork{3, 96}, RowsWork{3, 480}, RowsWork{3, 144},
          // Layer 1: query, keys and values absorbed; two heads over three rows of width 4.
          RowsWork{1, 3 * (2 * 1 * 4 * 4)}, RowsWork{3, 2 * (2 * 2 * 3 * 4)},
          RowsWork{1, 2 * 1 * 4 * 4}, RowsWork{1, 2 * (2 * 1 * 4 * 10)},
          RowsWork{1, 2 * (2 * 1 * 4 * 3)}));
}

TEST(CountWork, CountsATrunkOnceAndAdaptersApart) {
  // At n = 0 two tasks share layer 0 up to the adapters; the last layer has a row a task.
  EXPECT_THAT(
      CountWork(Plan(2, 0, Reads::kCls), kSizes),
      UnorderedElementsAre(RowsWork{3, 288}, RowsWork{3, 144}, RowsWork{3, 96}, RowsWork{3, 480},
                           RowsWork{3, 144}, RowsWork{3, 144}, RowsWork{2, 192}, RowsWork{6, 96},
                           RowsWork{6, 96}, RowsWork{2, 64}, RowsWork{2, 320}, RowsWork{1, 48},
                           RowsWork{1, 48}));
}

TEST(CountWork, LeavesOutAdaptersBelowTheSkipDepth) {
  double adapters = 0;
  for (const int n : {1, 2}) {
    double flops = 0;
    for (const RowsWork& part : CountWork(Plan(1, n, Reads::kCls), kSizes)) flops += part.flops;
    adapters = n == 1 ? flops : adapters - flops;
  }
  EXPECT_EQ(adapters, 48);  // n = 1 runs the one row of the last layer, n = 2 nothing
}

TEST(LayerFlops, AreTheFourGemms) { EXPECT_EQ(LayerFlops(3, kSizes), 288 + 96 + 480); }

TEST(GflopsAt, RisesBetweenPointsAsTimeDoes) {
  // A layer takes 2 + rows units of time.
  const RateCurve curve = {{2, 2.0 / 4}, {6, 6.0 / 8}, {14, 14.0 / 16}};
  const auto rate = [](double rows) { return rows / (2 + rows); };
  for (const int rows : {2, 3, 6, 7, 13, 14}) {
    EXPECT_DOUBLE_EQ(GflopsAt(curve, rows), rate(rows)) << rows;
  }
  EXPECT_DOUBLE_EQ(GflopsAt(curve, 1), rate(2));
  EXPECT_DOUBLE_EQ(GflopsAt(curve, 1000), rate(14));
}

TEST(LimitMs, AddsUpEveryPartAtItsOwnRate) {
  const RateCurve curve = {{1, 2}, {10, 20}};
  EXPECT_DOUBLE_EQ(LimitMs({}, curve), 0);
  EXPECT_DOUBLE_EQ(LimitMs({{1, 4e6}, {10, 40e6}, {10, 20e6}}, curve), 2 + 2 + 1);
}

}  // namespace
}  // namespace fathom::bench
