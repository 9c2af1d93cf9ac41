// Attention of [CLS] rows alone, with the key and value projections absorbed.
#pragma once

#include <ATen/core/Tensor.h>

#include "absl/types/span.h"
#include "runtime/model/encoder.h"
#include "runtime/pass/plan.h"

namespace fathom::ops {

// For each block, the attention context of its first row over all of its rows. With q the row's
// query, a head's scores are (W_Kᵀ q) · x_j, since the key bias shifts all of them alike, and its
// context is W_V (Σ p_j x_j) + b_V, since the weights p_j sum to 1: neither keys nor values of the
// other rows are computed. x [R, H] is the layer's input; context [blocks, H].
void ClsAttention(const ClsProjections& weights, const at::Tensor& x, absl::Span<const Rows> blocks,
                  at::Tensor& context);

}  // namespace fathom::ops
