// Metrics of classification and regression. Pure functions; the arguments of each are equally long.
//
// A metric that is not defined on its input (a constant answer has no correlation, an absent class
// no F1) is 0, as in scikit-learn, so that the metric of a constant answer is a usable baseline.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "absl/types/span.h"

namespace fathom::training {

enum class Metric : unsigned char { kAccuracy, kF1, kMacroF1, kMatthews, kPearson, kSpearman };

// By the names of DepthProfile::metric.
std::optional<Metric> ParseMetric(std::string_view name);
std::string_view MetricName(Metric metric);
bool IsClassificationMetric(Metric metric);

// Class indices in, 0 … classes − 1.
struct Classified {
  absl::Span<const int> predicted;
  absl::Span<const int> expected;
  int classes = 2;
};

double Accuracy(const Classified& answers);
// Two classes: of class 1. More: MacroF1.
double F1(const Classified& answers);
// The mean of the classes' F1, over the classes that occur in either list.
double MacroF1(const Classified& answers);
double Matthews(const Classified& answers);

// Regression values in. Ranks of equal values are averaged in Spearman.
double Pearson(absl::Span<const double> predicted, absl::Span<const double> expected);
double Spearman(absl::Span<const double> predicted, absl::Span<const double> expected);

// REQUIRES: the metric is one of classification (of regression, in the second).
double Evaluate(Metric metric, const Classified& answers);
double Evaluate(Metric metric, absl::Span<const double> predicted,
                absl::Span<const double> expected);

}  // namespace fathom::training
