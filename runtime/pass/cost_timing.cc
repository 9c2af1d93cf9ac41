#include "runtime/pass/cost_timing.h"

#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>
#include <vector>

#include "runtime/pass/executor.h"
#include "runtime/pass/op_timer.h"

namespace fathom {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::array<int64_t, 9> kKnots = {1, 4, 8, 16, 32, 64, 128, 256, 512};
constexpr int kLeastRounds = 2;
// What operations alone do not show is small; a ratio beyond these is another program's work.
constexpr double kLeastRatio = 0.8;
constexpr double kMostRatio = 1.3;
constexpr int kKnotShare = 100;  // of the budget, for one knot in one round

void TimeOps(OpTimer& timer, int layers, std::chrono::milliseconds budget) {
  const auto end = Clock::now() + budget;
  int visit = 0;
  for (int round = 0; round < kLeastRounds || Clock::now() < end; ++round) {
    for (const int64_t rows : kKnots) {
      const auto knot_end = Clock::now() + budget / kKnotShare;
      do {
        timer.TimeLayer(visit++ % layers, rows);
      } while (Clock::now() < knot_end);
      timer.TimeOthers(visit % layers);
    }
  }
}

RowTimes Knots(const OpTimer& timer, const char* name) {
  RowTimes times;
  for (const int64_t rows : kKnots) times.push_back({rows, timer.Ms(name, rows)});
  return NeverFalling(std::move(times));
}

// What is left of a noisy difference.
double NotBelowZero(double ms) { return std::max(ms, 0.0); }

// t = call + tokens · α + tokens² · β a block, from one block of 16, eight of 32 and one of 256.
void FitAttention(const OpTimer& timer, CostTable& table) {
  const double small = timer.Ms("attention", 16 * 16);
  const double many = timer.Ms("attention", 8 * 32 * 32);
  const double longest = timer.Ms("attention", 256 * 256);
  const double beta = NotBelowZero((longest - many) / (256 * 256 - 8 * 32 * 32));
  const double alpha =
      NotBelowZero((many - small - (8 * 32 * 32 - 16 * 16) * beta) / (8 * 32 - 16));
  table.attention_token_squared = beta;
  table.attention_token = alpha;
  table.attention_call = NotBelowZero(small - 16 * alpha - 16 * 16 * beta);
}

// 256 rows plain, through one adapter, and through eight.
void FitAdapters(const OpTimer& timer, CostTable& table) {
  constexpr double kRowWidths = 256.0 * kStandInWidth;
  const double plain = timer.Ms("adapters", 0);
  const double one = timer.Ms("adapters", 1);
  const double many = timer.Ms("adapters", OpTimer::kTasks);
  table.adapter = NotBelowZero((many - one) / (OpTimer::kTasks - 1));
  table.adapter_row_width = NotBelowZero((one - plain - table.adapter) / kRowWidths);
}

// t = call + blocks · ζ + tokens · τ, from one block of 32, eight of 32 and one of 256.
void FitClsAttention(const OpTimer& timer, CostTable& table) {
  const double one = timer.Ms("cls", 1 * 1000 + 32);
  const double many = timer.Ms("cls", 8 * 1000 + 32);
  const double longest = timer.Ms("cls", 1 * 1000 + 256);
  table.cls_token = NotBelowZero((longest - one) / (256 - 32));
  table.cls_block = NotBelowZero((many - one - 7 * 32 * table.cls_token) / 7);
  table.cls_call = NotBelowZero(one - table.cls_block - 32 * table.cls_token);
}

CostTable Fit(const OpTimer& timer, int longest_text) {
  CostTable table{.query_key_value = Knots(timer, "query_key_value"),
                  .attention_dense = Knots(timer, "attention_dense"),
                  .ffn = Knots(timer, "ffn"),
                  .epilogue = Knots(timer, "epilogue")};
  FitAttention(timer, table);
  FitAdapters(timer, table);
  FitClsAttention(timer, table);
  const int few = std::min(16, longest_text);
  const int more = std::min(32, longest_text);
  if (more > few) {
    table.embedding_row =
        NotBelowZero((timer.Ms("embedding", more) - timer.Ms("embedding", few)) / (more - few));
  }
  table.pass = NotBelowZero(timer.Ms("embedding", few) - few * table.embedding_row);
  table.head = timer.Ms("heads", OpTimer::kTasks) / OpTimer::kTasks;
  return table;
}

// One text with so many tasks at n = 0.
PassPlan PlanOf(const EncoderConfig& config, int tokens, const std::vector<StandInTask>& tasks,
                int count) {
  PlanText text{.tokens = tokens};
  for (int i = 0; i < count; ++i) {
    text.tasks.push_back({.adapter = i,
                          .layout = &tasks[static_cast<size_t>(i)].adapter.layout,
                          .reads = Reads::kCls});
  }
  return PlanPass(config.layers, {&text, 1});
}

// The geometric mean of measured / predicted over whole passes.
double WholePassRatio(const std::shared_ptr<const Encoder>& encoder, const CostTable& table) {
  constexpr int kRuns = 2;
  const EncoderConfig& config = encoder->config();
  const std::vector<StandInTask> tasks = MakeStandInTasks(config, OpTimer::kTasks);
  const std::vector<int32_t> widths(tasks.size(), kStandInWidth);
  std::vector<const Adapter*> adapters;
  for (const StandInTask& task : tasks) adapters.push_back(&task.adapter);
  Executor executor(encoder);
  double log_ratio = 0;
  int passes = 0;
  for (const auto& [wanted, count] : {std::pair{16, 1}, {32, 1}, {32, OpTimer::kTasks}}) {
    const TokenizedText text = MakeStandInText(std::min(wanted, config.max_positions));
    const TokenizedText* pointer = &text;
    const PassPlan plan = PlanOf(config, text.full_tokens, tasks, count);
    std::vector<double> ms;
    for (int run = 0; run < kRuns; ++run) {
      const auto start = Clock::now();
      executor.Run(plan, {&pointer, 1}, adapters);
      ms.push_back(std::chrono::duration<double, std::milli>(Clock::now() - start).count());
    }
    std::sort(ms.begin(), ms.end());
    log_ratio += std::log(ms.front() / PredictMs(table, plan, {.adapter_widths = widths}));
    ++passes;
  }
  return std::exp(log_ratio / passes);
}

CostTable Scaled(CostTable table, double factor) {
  for (RowTimes* times :
       {&table.query_key_value, &table.attention_dense, &table.ffn, &table.epilogue}) {
    for (RowTime& time : *times) time.ms *= factor;
  }
  for (double* ms : {&table.attention_call, &table.attention_token, &table.attention_token_squared,
                     &table.adapter, &table.adapter_row_width, &table.cls_call, &table.cls_block,
                     &table.cls_token, &table.embedding_row, &table.head, &table.pass}) {
    *ms *= factor;
  }
  return table;
}

}  // namespace

CostTable MeasureCosts(const std::shared_ptr<const Encoder>& encoder,
                       std::chrono::milliseconds budget) {
  const c10::InferenceMode inference;
  OpTimer timer(encoder);
  TimeOps(timer, encoder->config().layers, budget);
  const CostTable table = Fit(timer, encoder->config().max_positions);
  return Scaled(table, std::clamp(WholePassRatio(encoder, table), kLeastRatio, kMostRatio));
}

}  // namespace fathom
