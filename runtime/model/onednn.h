// oneDNN's linear layer with weights packed once, through LibTorch's operators for it.
#pragma once

#include <ATen/core/Tensor.h>

#include "runtime/task/activation.h"

namespace fathom::onednn {

// LibTorch was built with oneDNN, and nobody switched it off.
bool Available();

// Activations that it computes inside the GEMM.
bool CanFuse(Activation activation);

// weight [out, in], fp32 or bf16 -> an opaque tensor in oneDNN's blocked layout.
at::Tensor PackWeight(const at::Tensor& weight);

// x [R, in] in the type of the weights -> [R, out] in the same type, with fp32 sums. bias [out].
// `fused` is kIdentity or an activation of CanFuse. The result is a new tensor.
at::Tensor Linear(const at::Tensor& x, const at::Tensor& packed_weight, const at::Tensor& bias,
                  Activation fused);

}  // namespace fathom::onednn
