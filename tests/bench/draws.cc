#include "tests/bench/draws.h"

#include <algorithm>
#include <cmath>
#include <set>

namespace fathom::bench {

std::vector<int> SentenceLengths(int count, LengthRange range, std::mt19937& random) {
  std::gamma_distribution<double> tokens(5.2, 4.8);  // shape, scale
  std::vector<int> lengths;
  for (int i = 0; i < count; ++i) {
    const int length = static_cast<int>(std::lround(tokens(random)));
    lengths.push_back(std::clamp(length, range.shortest, range.longest));
  }
  return lengths;
}

std::vector<int> ZipfDraws(int count, int items, std::mt19937& random) {
  std::vector<double> weights;
  for (int i = 0; i < items; ++i) weights.push_back(1.0 / (i + 1));
  std::discrete_distribution<int> item(weights.begin(), weights.end());
  std::vector<int> draws;
  for (int i = 0; i < count; ++i) draws.push_back(item(random));
  return draws;
}

double RepeatedShare(const std::vector<int>& draws) {
  if (draws.empty()) return 0;
  const std::set<int> distinct(draws.begin(), draws.end());
  return 1 - static_cast<double>(distinct.size()) / static_cast<double>(draws.size());
}

}  // namespace fathom::bench
