// How the steps of CLS attention are cut into parts that one thread computes. Pure functions.
#pragma once

#include <cstdint>

namespace fathom::kernels {

// [first, last) of thing `index`: columns or rows of a head's matrix, or heads of a text.
struct ClsPart {
  int64_t index;
  int64_t first;
  int64_t last;
};

// `count` things of `size` elements, each cut into steps.
struct ClsParts {
  int64_t count;
  int64_t size;
  int64_t step;

  int64_t steps() const { return (size + step - 1) / step; }
  int64_t total() const { return count * steps(); }
  ClsPart At(int64_t i) const;
};

// Larger steps read memory in longer runs; there should be a few for each thread. Steps are
// multiples of `grain` or the whole size.
ClsParts CutIntoParts(int64_t count, int64_t size, int64_t grain, int threads);

}  // namespace fathom::kernels
