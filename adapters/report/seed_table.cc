#include "adapters/report/seed_table.h"

#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace fathom::training {

MeanAndDeviation Summarize(absl::Span<const double> values) {
  const auto count = static_cast<double>(values.size());
  MeanAndDeviation summary;
  for (const double value : values) summary.mean += value / count;
  if (values.size() < 2) return summary;
  double squares = 0;
  for (const double value : values) squares += std::pow(value - summary.mean, 2);
  summary.deviation = std::sqrt(squares / (count - 1));
  return summary;
}

std::string FormatSeedTable(const std::vector<SeedProfile>& runs) {
  const DepthProfile& first = runs.front().profile;
  std::string text = absl::StrFormat("%s over %d rows, mean ± deviation over %d seeds\n   n",
                                     first.metric, first.samples, runs.size());
  absl::StrAppend(&text, "             mean");
  for (const SeedProfile& run : runs) absl::StrAppend(&text, absl::StrFormat("  %8d", run.seed));
  absl::StrAppend(&text, "\n");
  for (size_t i = 0; i < first.points.size(); ++i) {
    std::vector<double> scores;
    for (const SeedProfile& run : runs) scores.push_back(run.profile.points[i].score);
    const MeanAndDeviation summary = Summarize(scores);
    absl::StrAppend(&text, absl::StrFormat("%4d  %7.4f ± %.4f", first.points[i].skip_layers,
                                           summary.mean, summary.deviation));
    for (const double score : scores) absl::StrAppend(&text, absl::StrFormat("  %8.4f", score));
    absl::StrAppend(&text, "\n");
  }
  return text;
}

}  // namespace fathom::training
