// PairedHalfWidths: how far the difference of two scores on the same rows could be from what was
// measured. The percentile bootstrap (Efron and Tibshirani, An Introduction to the Bootstrap, 1993,
// chapter 13): rows are drawn with replacement, and all answers are scored on the same draw.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/types/span.h"

namespace fathom::training {

struct BootstrapOptions {
  int resamples = 1000;
  uint64_t seed = 1;
  double coverage = 0.95;
};

// The score of one of several lists of answers on the rows of a draw, which may repeat.
using ScoreOnRows = absl::FunctionRef<double(size_t list, absl::Span<const int64_t> rows)>;

// For every list, half the width of the central interval of score(list) − score(0); 0 for list 0.
// Pure: equal arguments give equal numbers on every machine. REQUIRES: lists >= 1, rows >= 1, the
// scores are finite.
std::vector<double> PairedHalfWidths(size_t lists, int64_t rows, ScoreOnRows score,
                                     const BootstrapOptions& options = {});

// The value below which a share of the values lies, interpolated linearly between neighbours as by
// numpy.quantile. REQUIRES: values, all finite; 0 <= share <= 1.
double Quantile(std::vector<double> values, double share);

}  // namespace fathom::training
