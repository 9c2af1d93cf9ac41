// The bridge to the kernels' GEMM for few rows, and the name of the kernels.
#pragma once

#include <ATen/core/Tensor.h>

#include "runtime/task/activation.h"

namespace fathom::ops {

// Of the kernels for this CPU, for example "cpu/AVX3": tells apart what was measured with which.
const char* KernelsName();

// weight [out, in], contiguous fp32 -> what PackedDense takes: the layout of this CPU's kernels.
at::Tensor PackDense(const at::Tensor& weight);

// y = activation(x Wᵀ + bias). x [R, in], bias [out], y [R, out], contiguous fp32.
void PackedDense(const at::Tensor& x, const at::Tensor& packed_weight, const at::Tensor& bias,
                 Activation activation, at::Tensor& y);

}  // namespace fathom::ops
