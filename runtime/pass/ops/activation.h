// Activation functions over tensors.
#pragma once

#include <ATen/core/Tensor.h>

#include "runtime/task/activation.h"

namespace fathom::ops {

// Writes over `x`: for inference.
void ActivateInPlace(at::Tensor& x, Activation activation);

// Differentiable; `x` is not changed.
at::Tensor Activate(const at::Tensor& x, Activation activation);

}  // namespace fathom::ops
