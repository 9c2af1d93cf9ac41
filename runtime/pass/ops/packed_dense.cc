#include "runtime/pass/ops/packed_dense.h"

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <c10/util/Exception.h>

#include "kernels/kernels.h"
#include "runtime/pass/ops/to_kernel.h"

namespace fathom::ops {
namespace {

void CheckFp32(const at::Tensor& tensor, const char* name) {
  TORCH_CHECK(
      tensor.is_contiguous() && tensor.scalar_type() == at::kFloat && tensor.device().is_cpu(),
      name, " must be a contiguous fp32 CPU tensor, not ", tensor.toString(), tensor.sizes());
}

}  // namespace

const char* KernelsName() { return kernels::CpuKernels().name; }

at::Tensor PackDense(const at::Tensor& weight) {
  CheckFp32(weight, "weight");
  TORCH_CHECK(weight.dim() == 2, "weight has ", weight.dim(), " dimensions");
  const kernels::KernelTable& table = kernels::CpuKernels();
  const int64_t out = weight.size(0);
  const int64_t in = weight.size(1);
  at::Tensor packed = at::empty({table.packed_dense_floats(in, out)}, weight.options());
  table.pack_dense(weight.const_data_ptr<float>(), in, out, packed.mutable_data_ptr<float>());
  return packed;
}

void PackedDense(const at::Tensor& x, const at::Tensor& packed_weight, const at::Tensor& bias,
                 Activation activation, at::Tensor& y) {
  CheckFp32(x, "x");
  CheckFp32(packed_weight, "packed_weight");
  CheckFp32(bias, "bias");
  CheckFp32(y, "y");
  const kernels::KernelTable& table = kernels::CpuKernels();
  TORCH_CHECK(x.dim() == 2 && y.dim() == 2 && x.size(0) == y.size(0) && bias.numel() == y.size(1) &&
                  packed_weight.numel() == table.packed_dense_floats(x.size(1), y.size(1)),
              "a packed GEMM of x ", x.sizes(), " to y ", y.sizes(), " with bias ", bias.sizes(),
              " and ", packed_weight.numel(), " packed weights");
  table.packed_dense({.x = x.const_data_ptr<float>(),
                      .packed_weight = packed_weight.const_data_ptr<float>(),
                      .bias = bias.const_data_ptr<float>(),
                      .y = y.mutable_data_ptr<float>(),
                      .rows = x.size(0),
                      .in = x.size(1),
                      .out = y.size(1),
                      .activation = ToKernel(activation)},
                     at::get_num_threads());
}

}  // namespace fathom::ops
