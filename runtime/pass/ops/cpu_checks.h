// Between tensors and kernels/: what a kernel takes on trust is checked by these.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "kernels/kernels.h"
#include "runtime/task/activation.h"

namespace fathom::ops {

// They throw c10::Error, which names the tensor and what it should be.
void CheckMatrix(const at::Tensor& tensor, int64_t columns, const char* name);
void CheckVector(const at::Tensor& tensor, int64_t size, const char* name);
void CheckRows(int64_t first, int64_t count, const at::Tensor& tensor, const char* name);

kernels::Activation ToKernel(Activation activation);

}  // namespace fathom::ops
