// Between a tap and the rows of a pass.
#pragma once

#include <ATen/core/Tensor.h>

#include <memory>

#include "runtime/cache/tap.h"
#include "runtime/pass/plan.h"

namespace fathom::ops {

// The first rows of `tap`, as many as dense has: f and x of a pair; a sum, and zeros. dense,
// residual [rows, H], contiguous fp32 on the CPU.
void LoadTap(const Tap& tap, at::Tensor& dense, at::Tensor& residual);

// dense f and residual x [rows, H], contiguous fp32 on the CPU.
std::shared_ptr<const Tap> MakeTap(const TapPoint& wanted, const at::Tensor& dense,
                                   const at::Tensor& residual, TapPrecision precision);

}  // namespace fathom::ops
