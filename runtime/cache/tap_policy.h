// ChooseTap: which trunk state of a pass is worth keeping for a text. A pure function.
#pragma once

#include <optional>

#include "absl/types/span.h"
#include "runtime/cache/tap_form.h"

namespace fathom {

// One text of a pass, and what is known of it.
struct TapQuestion {
  int layers = 0;  // L
  // The layers whose FFN the pass computes for the trunk, first … last; none if last < first.
  int first_computed = 0;
  int last_computed = -1;
  bool cls_only_at_last = false;    // of layer L-1's FFN the trunk computes the [CLS] row alone
  int sightings = 1;                // of the text, with this one
  absl::Span<const TapPoint> kept;  // what the cache has of the text, by rising layer
  absl::Span<const double> asked_at_least;  // [L + 1]: P(n >= c), DepthHistogram::AtLeast
  // Layers at whose FFN a task of this pass forks that needs f and x apart.
  absl::Span<const int> pair_layers;
};

// The tap to keep after the pass, if any. A tap at layer c saves the layers 0 … c of every request
// with n >= c and serves no other, so its worth is (c + 1) · P(n >= c); of equal ones the deeper is
// taken.
//  - A tap of all rows is kept from the text's second sighting on. At layer L-1 with [CLS] readers
//    it is one row, as a pair, and kept at the first.
//  - Elsewhere it is the sum, or a pair where a task of this pass needs one.
//  - Nothing if the text has a tap at that layer which serves as well.
//  - A third tap replaces the text's deeper one (TapCache::Insert): only if it is worth more.
std::optional<TapPoint> ChooseTap(const TapQuestion& question);

}  // namespace fathom
