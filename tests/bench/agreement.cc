#include "tests/bench/agreement.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace fathom::bench {
namespace {

auto Label(absl::Span<const float> logits) {
  return std::max_element(logits.begin(), logits.end()) - logits.begin();
}

void AppendRow(const std::string& name, const Agreement& row, std::string& table) {
  absl::StrAppend(&table, "| ", name,
                  absl::StrFormat(" | %d | %d | %.2f %% | %.4f | %.5f |\n", row.texts,
                                  row.texts - row.same_label, 100 * row.share(), row.max_difference,
                                  row.mean_difference));
}

}  // namespace

void Add(absl::Span<const float> expected, absl::Span<const float> actual, Agreement& agreement) {
  double sum = 0;
  for (size_t i = 0; i < expected.size(); ++i) {
    const double difference = std::abs(double{expected[i]} - double{actual[i]});
    agreement.max_difference = std::max(agreement.max_difference, difference);
    sum += difference;
  }
  ++agreement.texts;
  if (Label(expected) == Label(actual)) ++agreement.same_label;
  const double mean = sum / static_cast<double>(expected.size());
  agreement.mean_difference += (mean - agreement.mean_difference) / agreement.texts;
}

std::string MarkdownTable(absl::Span<const Agreement> rows) {
  std::string table =
      "| task | n | texts | other label | same label | largest difference | mean difference |\n"
      "|---|---|---|---|---|---|---|\n";
  Agreement all;
  for (const Agreement& row : rows) {
    AppendRow(absl::StrCat(row.task, " | ", row.skip_layers), row, table);
    all.mean_difference += row.mean_difference * row.texts;
    all.texts += row.texts;
    all.same_label += row.same_label;
    all.max_difference = std::max(all.max_difference, row.max_difference);
  }
  if (all.texts > 0) all.mean_difference /= all.texts;
  AppendRow("all | ", all, table);
  return table;
}

}  // namespace fathom::bench
