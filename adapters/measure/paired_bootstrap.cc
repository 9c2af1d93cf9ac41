#include "adapters/measure/paired_bootstrap.h"

#include <algorithm>
#include <cmath>
#include <random>

#include "adapters/schedule/uniform.h"

namespace fathom::training {

double Quantile(std::vector<double> values, double share) {
  std::sort(values.begin(), values.end());
  const double place = share * static_cast<double>(values.size() - 1);
  const auto below = static_cast<size_t>(place);
  const size_t above = std::min(below + 1, values.size() - 1);
  return std::lerp(values[below], values[above], place - static_cast<double>(below));
}

std::vector<double> PairedHalfWidths(size_t lists, int64_t rows, ScoreOnRows score,
                                     const BootstrapOptions& options) {
  std::mt19937_64 engine(StreamSeed(options.seed, Stream::kBootstrap));
  std::vector<int64_t> draw(static_cast<size_t>(rows));
  std::vector<std::vector<double>> differences(lists);
  for (int resample = 0; resample < options.resamples; ++resample) {
    for (int64_t& row : draw) {
      row = static_cast<int64_t>(UniformIndex(engine, static_cast<uint64_t>(rows)));
    }
    const double reference = score(0, draw);
    for (size_t list = 1; list < lists; ++list) {
      differences[list].push_back(score(list, draw) - reference);
    }
  }
  const double tail = (1 - options.coverage) / 2;
  std::vector<double> half_widths(lists, 0);
  for (size_t list = 1; list < lists; ++list) {
    half_widths[list] =
        (Quantile(differences[list], 1 - tail) - Quantile(differences[list], tail)) / 2;
  }
  return half_widths;
}

}  // namespace fathom::training
