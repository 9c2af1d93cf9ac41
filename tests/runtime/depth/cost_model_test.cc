#include "runtime/depth/cost_model.h"

#include <array>

#include "gtest/gtest.h"

namespace fathom {
namespace {

constexpr int kLayers = 6;

// Every entry has its own size, so that none can stand for another.
CostTable Table() {
  return {.query_key_value = {{1, 1}, {64, 8}},
          .attention_dense = {{1, 0.5}, {64, 3}},
          .ffn = {{1, 3}, {64, 17}},
          .epilogue = {{1, 0.01}, {64, 0.2}},
          .attention_call = 0.003,
          .attention_token = 0.002,
          .attention_token_squared = 0.0001,
          .adapter = 0.05,
          .adapter_row_width = 0.0004,
          .cls_call = 0.07,
          .cls_block = 0.013,
          .cls_token = 0.0011,
          .embedding_row = 0.0005,
          .head = 0.09,
          .pass = 0.4};
}

AdapterLayout Pfeiffer() {
  AdapterLayout layout;
  layout.left_out.resize(kLayers, false);
  layout.sites[static_cast<size_t>(Place::kFfn)] = AdapterSite{};
  return layout;
}

class CostModel : public ::testing::Test {
 protected:
  // One text with `tasks` tasks, all at depth n.
  double Ms(int tokens, int tasks, int n, int width = 48) const {
    PlanText text{.tokens = tokens};
    for (int i = 0; i < tasks; ++i) {
      text.tasks.push_back(
          {.adapter = i, .layout = &layout_, .skip_layers = n, .reads = Reads::kCls});
    }
    const std::vector<int32_t> widths(static_cast<size_t>(tasks), width);
    return PredictMs(table_, PlanPass(kLayers, {&text, 1}),
                     {.adapter_widths = widths, .heads = tasks});
  }

  const CostTable table_ = Table();
  const AdapterLayout layout_ = Pfeiffer();
};

TEST_F(CostModel, AddsUpTheStages) {
  const PlanTask raw{.adapter = PlanTask::kNoAdapter, .reads = Reads::kCls};
  const std::array<PlanText, 2> texts = {PlanText{.tokens = 9, .tasks = {raw}},
                                         PlanText{.tokens = 20, .tasks = {raw}}};
  const PassPlan plan = PlanPass(kLayers, texts);
  double stages = 0;
  for (const Stage& stage : plan.stages) stages += StageMs(table_, stage, {});
  EXPECT_DOUBLE_EQ(PredictMs(table_, plan, {.heads = 2}),
                   stages + 29 * table_.embedding_row + 2 * table_.head + table_.pass);
}

TEST_F(CostModel, CountsAnAttentionStage) {
  const Stage stage{.place = Place::kAttention,
                    .rows_in = 74,
                    .rows_out = 66,
                    .rows_full = 64,
                    .attention = {{0, 24}, {24, 40}},
                    .cls_attention = {{64, 3}, {67, 7}}};
  const double attention = table_.attention_call + 64 * table_.attention_token +
                           (24 * 24 + 40 * 40) * table_.attention_token_squared;
  const double cls = table_.cls_call + 2 * table_.cls_block + 10 * table_.cls_token;
  EXPECT_DOUBLE_EQ(StageMs(table_, stage, {}), 8 + MsAt(table_.attention_dense, 66) + attention +
                                                   cls + MsAt(table_.epilogue, 66));
}

TEST_F(CostModel, CountsTheAdaptersOfAnFfnStage) {
  const Stage stage{.place = Place::kFfn,
                    .rows_in = 64,
                    .rows_out = 64,
                    .epilogue = {{.count = 34},
                                 {.dst_first = 34, .count = 10, .adapter = 0},
                                 {.dst_first = 44, .count = 5, .adapter = 0},
                                 {.dst_first = 49, .count = 15, .adapter = 1}}};
  const std::array<int32_t, 2> widths = {8, 64};
  EXPECT_DOUBLE_EQ(StageMs(table_, stage, widths),
                   17 + 0.2 + 2 * table_.adapter + table_.adapter_row_width * (15 * 8 + 15 * 64));
}

TEST_F(CostModel, AStageOfTapsAloneHasNoGemms) {
  const Stage stage{
      .place = Place::kFfn, .rows_out = 1, .tap_epilogue = {{.count = 1, .adapter = 0}}};
  const std::array<int32_t, 1> widths = {10};
  EXPECT_DOUBLE_EQ(StageMs(table_, stage, widths),
                   0.01 + table_.adapter + 10 * table_.adapter_row_width);
}

TEST_F(CostModel, RisesWithTokensTasksAndWidth) {
  for (int tokens = 2; tokens < 200; tokens += 7) {
    EXPECT_LT(Ms(tokens, 3, 1), Ms(tokens + 1, 3, 1));
    EXPECT_LT(Ms(tokens, 3, 1), Ms(tokens, 4, 1));
    EXPECT_LT(Ms(tokens, 3, 1, 48), Ms(tokens, 3, 1, 49));
  }
}

TEST_F(CostModel, DepthPaysWithManyTasksAndHardlyWithOne) {
  for (int n = 0; n + 1 < kLayers; ++n) EXPECT_GT(Ms(32, 8, n), Ms(32, 8, n + 1));
  EXPECT_LT(Ms(32, 1, 0) / Ms(32, 1, kLayers - 1), 1.25);
}

// Of one cold text with one task, all that an n changes is the adapters' own work.
TEST_F(CostModel, TellsTheAdaptersFromTheEncoder) {
  const int32_t width = 48;
  double encoder_ms = 0;
  double before = 0;
  for (int n = 0; n < kLayers; ++n) {
    const PlanText text{
        .tokens = 20,
        .tasks = {{.adapter = 0, .layout = &layout_, .skip_layers = n, .reads = Reads::kCls}}};
    const PassPlan plan = PlanPass(kLayers, {&text, 1});
    const PassTraits traits{.adapter_widths = {&width, 1}, .heads = 1};
    const double adapters = AdaptersMs(table_, plan, traits);
    const double encoder = PredictMs(table_, plan, traits) - adapters;
    if (n > 0) {
      EXPECT_LT(adapters, before);
      EXPECT_NEAR(encoder, encoder_ms, 1e-9) << "n = " << n;
    }
    before = adapters;
    encoder_ms = encoder;
  }
}

}  // namespace
}  // namespace fathom
