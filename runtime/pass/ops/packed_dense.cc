#include "runtime/pass/ops/packed_dense.h"

#include <ATen/Parallel.h>
#include <c10/util/Exception.h>

#include "kernels/kernels.h"
#include "runtime/model/huge_pages.h"
#include "runtime/pass/ops/cpu_checks.h"

namespace fathom::ops {

const char* KernelsName() { return kernels::CpuKernels().name; }

at::Tensor PackDense(const at::Tensor& weight) {
  CheckMatrix(weight, weight.size(-1), "weight");
  const kernels::KernelTable& table = kernels::CpuKernels();
  const int64_t out = weight.size(0);
  const int64_t in = weight.size(1);
  at::Tensor packed = EmptyInHugePages(table.packed_dense_floats(in, out));
  table.pack_dense(weight.const_data_ptr<float>(), in, out, packed.mutable_data_ptr<float>());
  return packed;
}

void PackedDense(const at::Tensor& x, const at::Tensor& packed_weight, const at::Tensor& bias,
                 Activation activation, at::Tensor& y) {
  const kernels::KernelTable& table = kernels::CpuKernels();
  const int64_t in = x.size(-1);
  const int64_t out = bias.numel();
  CheckMatrix(x, in, "x");
  CheckMatrix(y, out, "y");
  CheckVector(bias, out, "bias");
  CheckVector(packed_weight, table.packed_dense_floats(in, out), "packed_weight");
  TORCH_CHECK(x.size(0) == y.size(0), x.size(0), " rows of x, ", y.size(0), " of y");
  table.packed_dense({.x = x.const_data_ptr<float>(),
                      .packed_weight = packed_weight.const_data_ptr<float>(),
                      .bias = bias.const_data_ptr<float>(),
                      .y = y.mutable_data_ptr<float>(),
                      .rows = x.size(0),
                      .in = in,
                      .out = out,
                      .activation = ToKernel(activation)},
                     at::get_num_threads());
}

}  // namespace fathom::ops
