// FrozenLinear: a linear layer of the encoder in training. Its weights are packed for both
// directions and get no gradient; the gradient goes to the input only, and the layer saves nothing
// for it but its activation's input.
#pragma once

#include <ATen/core/Tensor.h>

#include <memory>

#include "runtime/model/linear.h"

namespace fathom::training {

bool RunsInBf16(const Linear& linear);

// Immutable; used from any number of threads at once.
class FrozenLinear {
 public:
  // In the precision of `forward`, a layer with plain weights that outlives this one. `input` is
  // the type of what it reads; kBFloat16 where a bf16 layer stands before it.
  explicit FrozenLinear(const Linear& forward, at::ScalarType input = at::kFloat);

  // x [R, in] -> activation(x Wᵀ + b) [R, out].
  at::Tensor operator()(const at::Tensor& x) const;

  // The gradient of the input for that of the product: grad [R, out] -> grad W [R, in].
  at::Tensor Backward(const at::Tensor& grad) const;

  // Packed beside what the encoder has.
  int64_t packed_bytes() const { return packed_bytes_; }

 private:
  friend struct FrozenProduct;

  const Linear& linear_;
  std::unique_ptr<const Linear> product_;  // without the activation; null: linear_ has none
  Linear transposed_;                      // [in, out]
  int64_t packed_bytes_;
};

}  // namespace fathom::training
