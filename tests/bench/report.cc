#include "tests/bench/report.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "tests/bench/measure.h"

namespace fathom::bench {

namespace {

// The pass as the workload runs it: with heads only where a server's tasks answer.
double PredictedMs(const Case& one, const PassPlan& plan, const Expectations& expectations) {
  int32_t last_adapter = -1;
  for (const Stage& stage : plan.stages) {
    for (const EpilogueSegment& segment : stage.epilogue) {
      last_adapter = std::max(last_adapter, segment.adapter);
    }
  }
  const std::vector<int32_t> widths(static_cast<size_t>(last_adapter + 1),
                                    expectations.sizes.bottleneck);
  return PredictMs(expectations.costs, plan,
                   {.adapter_widths = widths, .heads = one.registered == nullptr ? 0 : 1});
}

}  // namespace

std::vector<Result> Summarize(const Workload& workload, const Expectations& expectations) {
  std::vector<Result> results;
  for (const Case& one : workload.cases) {
    const PassPlan& plan = one.passes.front().plan;  // the others have equal work
    Work work;
    for (const Work& text : plan.work) work += text;
    results.push_back({.workload = workload.name,
                       .name = one.name,
                       .parameters = one.parameters,
                       .baseline = one.baseline,
                       .ms_median = Median(one.ms),
                       .limit_ms = LimitMs(CountWork(plan, expectations.sizes), expectations.curve),
                       .predicted_ms = PredictedMs(one, plan, expectations),
                       .sequences = static_cast<int64_t>(plan.outputs.size()),
                       .row_layers_run = work.row_layers_run,
                       .row_layers_shared = work.row_layers_shared});
  }
  return results;
}

std::string MarkdownTable(absl::Span<const Result> results) {
  std::string table =
      "| case | median ms | predicted ms | limit ms | limit / median | sequences/s "
      "| time against first | row-layers | work against first |\n|---|---|---|---|---|---|---|---|"
      "---|\n";
  for (const Result& result : results) {
    const Result& first = results[result.baseline];
    absl::StrAppend(
        &table, "| ", result.name,
        absl::StrFormat(" | %.2f | %.2f | %.2f | %.2f | %.1f | 1/%.3f | %.0f | 1/%.3f |\n",
                        result.ms_median, result.predicted_ms, result.limit_ms,
                        result.limit_ms / result.ms_median, result.sequences_per_second(),
                        first.ms_median / result.ms_median, result.row_layers_run,
                        first.row_layers_run / result.row_layers_run));
  }
  return table;
}

double MedianPredictionError(absl::Span<const Result> results) {
  std::vector<double> errors;
  for (const Result& result : results) errors.push_back(result.prediction_error());
  return Median(std::move(errors));
}

nlohmann::json ToJson(absl::Span<const Result> results, const nlohmann::json& run) {
  nlohmann::json list = nlohmann::json::array();
  for (const Result& result : results) {
    list.push_back({{"workload", result.workload},
                    {"parameters", result.parameters},
                    {"ms_median", result.ms_median},
                    {"limit_ms", result.limit_ms},
                    {"predicted_ms", result.predicted_ms},
                    {"sequences_per_second", result.sequences_per_second()},
                    {"row_layers_run", result.row_layers_run},
                    {"row_layers_shared", result.row_layers_shared},
                    {"row_layers_cached", 0},  // no state outlives a pass
                    {"run", run}});
  }
  return list;
}

}  // namespace fathom::bench
