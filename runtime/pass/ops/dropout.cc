#include "runtime/pass/ops/dropout.h"

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <c10/util/Exception.h>

#include "kernels/kernels.h"

namespace fathom::ops {

at::Tensor Drop(const DropoutMask& mask, const at::Tensor& x) {
  TORCH_CHECK(x.scalar_type() == at::kFloat, "dropout is of fp32, x is ", x.scalar_type());
  const at::Tensor from = x.contiguous();
  at::Tensor out = at::empty(from.sizes(), from.options());
  kernels::CpuKernels().dropout({.x = from.const_data_ptr<float>(),
                                 .out = out.mutable_data_ptr<float>(),
                                 .count = from.numel(),
                                 .key = mask.key,
                                 .dropped_below = mask.dropped_below,
                                 .scale = mask.scale},
                                at::get_num_threads());
  return out;
}

}  // namespace fathom::ops
