#include "server/grpc/probabilities.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace fathom {

bool AllFinite(absl::Span<const float> values) {
  return std::all_of(values.begin(), values.end(), [](float v) { return std::isfinite(v); });
}

std::vector<float> Softmax(absl::Span<const float> logits) {
  // Shifted by the largest value, not the largest in magnitude: then no exponent is above 0.
  const double largest = *std::max_element(logits.begin(), logits.end());
  std::vector<double> exponentials;
  exponentials.reserve(logits.size());
  for (const float logit : logits) exponentials.push_back(std::exp(logit - largest));
  const double sum = std::accumulate(exponentials.begin(), exponentials.end(), 0.0);
  std::vector<float> probabilities;
  probabilities.reserve(logits.size());
  for (const double value : exponentials) probabilities.push_back(static_cast<float>(value / sum));
  return probabilities;
}

float Sigmoid(float logit) {
  const double x = logit;
  if (x >= 0) return static_cast<float>(1 / (1 + std::exp(-x)));
  return static_cast<float>(std::exp(x) / (1 + std::exp(x)));
}

std::vector<size_t> TopClasses(absl::Span<const float> probabilities, size_t count) {
  std::vector<size_t> classes(probabilities.size());
  std::iota(classes.begin(), classes.end(), size_t{0});
  const size_t kept = std::min(count, classes.size());
  std::partial_sort(
      classes.begin(), classes.begin() + static_cast<ptrdiff_t>(kept), classes.end(),
      [&](size_t a, size_t b) {
        return probabilities[a] != probabilities[b] ? probabilities[a] > probabilities[b] : a < b;
      });
  classes.resize(kept);
  return classes;
}

}  // namespace fathom
