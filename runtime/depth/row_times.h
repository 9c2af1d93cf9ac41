// RowTimes: how long something takes by its number of rows, measured at a few row counts (knots).
#pragma once

#include <cstdint>
#include <vector>

#include "absl/types/span.h"

namespace fathom {

struct RowTime {
  int64_t rows = 0;
  double ms = 0;

  bool operator==(const RowTime&) const = default;
};

using RowTimes = std::vector<RowTime>;  // by rising rows

// Milliseconds at `rows`. Exact at a knot; between two knots the time rises linearly with the rows,
// as a GEMM's does (weights to stream, then rows to multiply; reference: engine notes, "a pass is
// w + c·R a layer"). Below the first knot its time; above the last, on by the slope of the last two
// knots if it rises. 0 for no rows.
// REQUIRES: at least one knot.
double MsAt(absl::Span<const RowTime> knots, int64_t rows);

// The same with times that never fall as rows rise: a knot's time is at least the one before it.
// Noise at a start must not make a larger pass look cheaper.
RowTimes NeverFalling(RowTimes knots);

}  // namespace fathom
