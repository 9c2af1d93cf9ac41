#include "tests/bench/report.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "tests/bench/measure.h"

namespace fathom::bench {

namespace {

// Of one run: the limit, the prediction, and what it did.
struct RunFigures {
  double limit_ms = 0;
  double predicted_ms = 0;
  Work work;
};

RunFigures Figures(const TimedRun& run, const Request& request, const Expectations& expectations) {
  std::vector<RowsWork> work = CountWork(run.plan, expectations.sizes);
  const std::vector<RowsWork> heads = CountHeads(request, expectations.sizes);
  work.insert(work.end(), heads.begin(), heads.end());
  int32_t last_adapter = -1;
  for (const Stage& stage : run.plan.stages) {
    for (const auto* list : {&stage.epilogue, &stage.tap_epilogue}) {
      for (const EpilogueSegment& segment : *list) {
        last_adapter = std::max(last_adapter, segment.adapter);
      }
    }
  }
  const std::vector<int32_t> widths(static_cast<size_t>(last_adapter + 1),
                                    expectations.sizes.bottleneck);
  RunFigures figures{.limit_ms = LimitMs(work, expectations.curve),
                     .predicted_ms = PredictMs(
                         expectations.costs, run.plan,
                         {.adapter_widths = widths, .heads = static_cast<int>(heads.size())})};
  for (const Work& text : run.plan.work) figures.work += text;
  return figures;
}

}  // namespace

std::vector<Result> Summarize(const Workload& workload, const Expectations& expectations) {
  std::vector<Result> results;
  for (const Case& one : workload.cases) {
    std::vector<double> ms, limits, predictions;
    Work work;
    for (const TimedRun& run : one.runs) {
      const RunFigures figures = Figures(run, one.requests[run.request], expectations);
      ms.push_back(run.ms);
      limits.push_back(figures.limit_ms);
      predictions.push_back(figures.predicted_ms);
      work += figures.work;
    }
    const auto count = static_cast<double>(one.runs.size());
    results.push_back({.workload = workload.name,
                       .name = one.name,
                       .parameters = one.parameters,
                       .baseline = one.baseline,
                       .ms_median = Median(ms),
                       .ms_best = *std::min_element(ms.begin(), ms.end()),
                       .limit_ms = Median(std::move(limits)),
                       .predicted_ms = Median(std::move(predictions)),
                       .sequences = static_cast<int64_t>(one.runs.front().plan.outputs.size()),
                       .row_layers_run = work.row_layers_run / count,
                       .row_layers_shared = work.row_layers_shared / count,
                       .row_layers_cached = work.row_layers_cached / count});
  }
  return results;
}

std::string MarkdownTable(absl::Span<const Result> results) {
  std::string table =
      "| case | median ms | best ms | predicted ms | limit ms | limit / median | limit / best "
      "| sequences/s | time against first | row-layers run | cached |\n"
      "|---|---|---|---|---|---|---|---|---|---|---|\n";
  for (const Result& result : results) {
    const Result& first = results[result.baseline];
    absl::StrAppend(
        &table, "| ", result.name,
        absl::StrFormat(
            " | %.2f | %.2f | %.2f | %.2f | %.2f | %.2f | %.1f | 1/%.3f | %.0f | %.0f |\n",
            result.ms_median, result.ms_best, result.predicted_ms, result.limit_ms,
            result.limit_ms / result.ms_median, result.limit_ms / result.ms_best,
            result.sequences_per_second(), first.ms_median / result.ms_median,
            result.row_layers_run, result.row_layers_cached));
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
                    {"ms_best", result.ms_best},
                    {"limit_ms", result.limit_ms},
                    {"predicted_ms", result.predicted_ms},
                    {"sequences_per_second", result.sequences_per_second()},
                    {"row_layers_run", result.row_layers_run},
                    {"row_layers_shared", result.row_layers_shared},
                    {"row_layers_cached", result.row_layers_cached},
                    {"run", run}});
  }
  return list;
}

}  // namespace fathom::bench
