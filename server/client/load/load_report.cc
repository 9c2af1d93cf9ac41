#include "server/client/load/load_report.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "server/client/table.h"

namespace fathom {
namespace {

constexpr size_t kNameWidth = 80;

double Share(int64_t part, int64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

nlohmann::json Quantiles(const LatencyHistogram& histogram) {
  return {{"count", histogram.count()},          {"mean_ms", histogram.mean_ms()},
          {"p50_ms", histogram.QuantileMs(0.5)}, {"p90_ms", histogram.QuantileMs(0.9)},
          {"p99_ms", histogram.QuantileMs(.99)}, {"p999_ms", histogram.QuantileMs(0.999)},
          {"max_ms", histogram.max_ms()}};
}

void AddRow(const std::string& name, const LatencyHistogram& histogram, double seconds,
            Table& table) {
  const auto ms = [](double value) { return absl::StrFormat("%.3f", value); };
  table.AddRow({name, absl::StrCat(histogram.count()),
                absl::StrFormat("%.1f", static_cast<double>(histogram.count()) / seconds),
                ms(histogram.QuantileMs(0.5)), ms(histogram.QuantileMs(0.9)),
                ms(histogram.QuantileMs(0.99)), ms(histogram.QuantileMs(0.999)),
                ms(histogram.max_ms())});
}

nlohmann::json UsageJson(const v1::Usage& usage) {
  return {{"row_layers_run", usage.row_layers_run()},
          {"row_layers_shared", usage.row_layers_shared()},
          {"row_layers_cached", usage.row_layers_cached()},
          {"row_layers_skipped", usage.row_layers_skipped()},
          {"tokens", usage.tokens()},
          {"largest_batch_inputs", usage.batch_inputs()},
          {"passes", usage.passes()}};
}

nlohmann::json DepthsJson(const Tally& tally) {
  nlohmann::json depths = nlohmann::json::object();
  for (const auto& [task, counts] : tally.depths) {
    for (const auto& [n, count] : counts) depths[task][absl::StrCat(n)] = count;
  }
  return depths;
}

int64_t BrownOuts(const Tally& tally) {
  const auto found = tally.depth_reasons.find("BROWNOUT");
  return found == tally.depth_reasons.end() ? 0 : found->second;
}

std::string DepthLines(const Tally& tally) {
  std::string text;
  for (const auto& [task, counts] : tally.depths) {
    absl::StrAppend(&text, "n of ", OneLine(task, kNameWidth), ":");
    for (const auto& [n, count] : counts) absl::StrAppend(&text, "  ", n, ": ", count);
    text += "\n";
  }
  return text;
}

std::string BudgetLine(const BudgetTally& budget) {
  if (budget.asked == 0) return "";
  return absl::StrFormat(
      "latency budget: said to be met by %.1f %% of %d answers; of those %.1f %% met it here\n",
      100 * Share(budget.said_met, budget.asked), budget.asked,
      100 * Share(budget.kept, budget.said_met));
}

std::string UsageLine(const v1::Usage& usage) {
  return absl::StrFormat(
      "%d tokens in %d passes; row-layers: %.0f run, %.0f shared, %.0f cached, %.0f skipped\n",
      usage.tokens(), usage.passes(), usage.row_layers_run(), usage.row_layers_shared(),
      usage.row_layers_cached(), usage.row_layers_skipped());
}

}  // namespace

nlohmann::json LoadJson(const LoadResult& result) {
  const Tally& tally = result.tally;
  nlohmann::json calls = nlohmann::json::object();
  for (const auto& [code, histogram] : tally.latency) calls[code] = Quantiles(histogram);
  nlohmann::json reasons = nlohmann::json::object();
  for (const auto& [key, count] : tally.reasons) reasons[key.first][key.second] = count;
  return {{"seconds", result.seconds},
          {"rate", result.rate},
          {"calls", tally.calls()},
          {"unsent", result.unsent},
          {"late", tally.late},
          {"latency", calls},
          {"reasons", reasons},
          {"without_reason", tally.without_reason()},
          {"answers", tally.answers},
          {"answers_per_second", static_cast<double>(tally.answers) / result.seconds},
          {"item_errors", tally.item_errors},
          {"overhead", Quantiles(tally.overhead)},
          {"tokenize", Quantiles(tally.tokenize)},
          {"queue", Quantiles(tally.queue)},
          {"compute", Quantiles(tally.compute)},
          {"n", DepthsJson(tally)},
          {"depth_reasons", tally.depth_reasons},
          {"brownout_share", Share(BrownOuts(tally), tally.answers)},
          {"budget",
           {{"asked", tally.budget.asked},
            {"said_met", tally.budget.said_met},
            {"kept", tally.budget.kept}}},
          {"relative_quality_mean",
           tally.relative_qualities == 0
               ? nlohmann::json()
               : nlohmann::json(tally.relative_quality_sum /
                                static_cast<double>(tally.relative_qualities))},
          {"usage", UsageJson(tally.usage)}};
}

std::string LoadReport(const LoadResult& result) {
  const Tally& tally = result.tally;
  Table table({"ms", "count", "a second", "p50", "p90", "p99", "p99.9", "max"});
  for (const auto& [code, histogram] : tally.latency) {
    AddRow(code, histogram, result.seconds, table);
  }
  if (tally.overhead.count() > 0) {
    AddRow("OK without compute", tally.overhead, result.seconds, table);
    AddRow("server: tokenize", tally.tokenize, result.seconds, table);
    AddRow("server: queue", tally.queue, result.seconds, table);
    AddRow("server: compute", tally.compute, result.seconds, table);
  }
  std::string text = absl::StrCat(table.ToString(), "\n", tally.calls(), " calls in ",
                                  absl::StrFormat("%.1f", result.seconds), " s, ", tally.late,
                                  " late, ", result.unsent, " never sent; ", tally.answers,
                                  " answers, ", tally.item_errors, " failed items\n");
  for (const auto& [key, count] : tally.reasons) {
    absl::StrAppend(&text, key.first, " ", OneLine(key.second, kNameWidth), ": ", count, "\n");
  }
  absl::StrAppend(&text, DepthLines(tally), BudgetLine(tally.budget));
  if (BrownOuts(tally) > 0) {
    absl::StrAppendFormat(&text, "brown-out: %.1f %% of the answers\n",
                          100 * Share(BrownOuts(tally), tally.answers));
  }
  return text + UsageLine(tally.usage);
}

}  // namespace fathom
