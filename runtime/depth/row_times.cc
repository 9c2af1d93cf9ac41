#include "runtime/depth/row_times.h"

#include <algorithm>
#include <cmath>
#include <iterator>

namespace fathom {

double MsAt(absl::Span<const RowTime> knots, int64_t rows) {
  if (rows <= 0) return 0;
  auto above = std::find_if(knots.begin(), knots.end(),
                            [&](const RowTime& knot) { return knot.rows >= rows; });
  if (above == knots.begin()) return above->ms;
  if (above == knots.end()) {
    above = std::prev(knots.end());
    if (above == knots.begin()) return above->ms;
  }
  const RowTime& below = *std::prev(above);
  const double share =
      static_cast<double>(rows - below.rows) / static_cast<double>(above->rows - below.rows);
  if (share > 1 && above->ms < below.ms) return above->ms;
  return std::lerp(below.ms, above->ms, share);
}

RowTimes NeverFalling(RowTimes knots) {
  for (size_t i = 1; i < knots.size(); ++i) knots[i].ms = std::max(knots[i].ms, knots[i - 1].ms);
  return knots;
}

}  // namespace fathom
