#include "adapters/metrics.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <utility>

namespace fathom::training {
namespace {

constexpr std::array<std::pair<Metric, std::string_view>, 6> kNames = {{
    {Metric::kAccuracy, "accuracy"},
    {Metric::kF1, "f1"},
    {Metric::kMacroF1, "macro_f1"},
    {Metric::kMatthews, "matthews"},
    {Metric::kPearson, "pearson"},
    {Metric::kSpearman, "spearman"},
}};

// Counts of one class.
struct ClassCounts {
  double predicted = 0;
  double expected = 0;
  double both = 0;
};

std::vector<ClassCounts> CountClasses(const Classified& answers) {
  std::vector<ClassCounts> counts(static_cast<size_t>(answers.classes));
  for (size_t i = 0; i < answers.expected.size(); ++i) {
    const auto predicted = static_cast<size_t>(answers.predicted[i]);
    const auto expected = static_cast<size_t>(answers.expected[i]);
    counts[predicted].predicted += 1;
    counts[expected].expected += 1;
    if (predicted == expected) counts[expected].both += 1;
  }
  return counts;
}

double ClassF1(const ClassCounts& counts) {
  const double total = counts.predicted + counts.expected;
  return total > 0 ? 2 * counts.both / total : 0;
}

double Mean(absl::Span<const double> values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

// Ranks from 1, the mean rank for equal values.
std::vector<double> Ranks(absl::Span<const double> values) {
  std::vector<size_t> order(values.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return values[a] < values[b]; });
  std::vector<double> ranks(values.size());
  for (size_t first = 0; first < order.size();) {
    size_t last = first;
    while (last + 1 < order.size() && values[order[last + 1]] == values[order[first]]) ++last;
    const double rank = 1 + static_cast<double>(first + last) / 2;
    for (size_t i = first; i <= last; ++i) ranks[order[i]] = rank;
    first = last + 1;
  }
  return ranks;
}

}  // namespace

std::optional<Metric> ParseMetric(std::string_view name) {
  for (const auto& [metric, known] : kNames) {
    if (known == name) return metric;
  }
  return std::nullopt;
}

std::string_view MetricName(Metric metric) {
  return std::find_if(kNames.begin(), kNames.end(),
                      [&](const auto& entry) { return entry.first == metric; })
      ->second;
}

bool IsClassificationMetric(Metric metric) {
  return metric != Metric::kPearson && metric != Metric::kSpearman;
}

double Accuracy(const Classified& answers) {
  if (answers.expected.empty()) return 0;
  double correct = 0;
  for (size_t i = 0; i < answers.expected.size(); ++i) {
    if (answers.predicted[i] == answers.expected[i]) correct += 1;
  }
  return correct / static_cast<double>(answers.expected.size());
}

double F1(const Classified& answers) {
  return answers.classes == 2 ? ClassF1(CountClasses(answers)[1]) : MacroF1(answers);
}

double MacroF1(const Classified& answers) {
  double sum = 0;
  int present = 0;
  for (const ClassCounts& one : CountClasses(answers)) {
    if (one.predicted + one.expected == 0) continue;
    sum += ClassF1(one);
    ++present;
  }
  return present > 0 ? sum / present : 0;
}

// The multi-class form (Gorodkin's R_K), which is the usual one for two classes.
double Matthews(const Classified& answers) {
  const auto samples = static_cast<double>(answers.expected.size());
  double correct = 0;
  double product = 0;
  double predicted_squares = 0;
  double expected_squares = 0;
  for (const ClassCounts& one : CountClasses(answers)) {
    correct += one.both;
    product += one.predicted * one.expected;
    predicted_squares += one.predicted * one.predicted;
    expected_squares += one.expected * one.expected;
  }
  const double square = samples * samples;
  const double norm = (square - predicted_squares) * (square - expected_squares);
  return norm > 0 ? (correct * samples - product) / std::sqrt(norm) : 0;
}

double Pearson(absl::Span<const double> predicted, absl::Span<const double> expected) {
  if (predicted.empty()) return 0;
  const double predicted_mean = Mean(predicted);
  const double expected_mean = Mean(expected);
  double product = 0;
  double predicted_squares = 0;
  double expected_squares = 0;
  for (size_t i = 0; i < predicted.size(); ++i) {
    const double p = predicted[i] - predicted_mean;
    const double e = expected[i] - expected_mean;
    product += p * e;
    predicted_squares += p * p;
    expected_squares += e * e;
  }
  // Two roots: the product of the sums can underflow where they do not.
  const double norm = std::sqrt(predicted_squares) * std::sqrt(expected_squares);
  return norm > 0 ? product / norm : 0;
}

double Spearman(absl::Span<const double> predicted, absl::Span<const double> expected) {
  return Pearson(Ranks(predicted), Ranks(expected));
}

double Evaluate(Metric metric, const Classified& answers) {
  switch (metric) {
    case Metric::kF1:
      return F1(answers);
    case Metric::kMacroF1:
      return MacroF1(answers);
    case Metric::kMatthews:
      return Matthews(answers);
    default:
      return Accuracy(answers);
  }
}

double Evaluate(Metric metric, absl::Span<const double> predicted,
                absl::Span<const double> expected) {
  return metric == Metric::kPearson ? Pearson(predicted, expected) : Spearman(predicted, expected);
}

}  // namespace fathom::training
