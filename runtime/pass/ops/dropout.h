// The bridge to the kernels' dropout, for training.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace fathom::ops {

// Which elements are dropped: a function of the key and an element's index.
struct DropoutMask {
  uint64_t key = 0;
  uint16_t dropped_below = 0;  // of 65536
  float scale = 1;             // of what is kept
};

// x fp32 of any shape -> 0 where the mask drops, x · scale elsewhere; a new contiguous tensor.
// Throws c10::Error if x is of another type.
at::Tensor Drop(const DropoutMask& mask, const at::Tensor& x);

}  // namespace fathom::ops
