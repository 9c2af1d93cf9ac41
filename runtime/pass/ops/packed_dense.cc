#include "runtime/pass/ops/packed_dense.h"

#include <c10/util/Exception.h>

#include "kernels/kernels.h"

namespace fathom::ops {

const char* KernelsName() { return kernels::CpuKernels().name; }

bool HasPackedDense() { return false; }

at::Tensor PackDense(const at::Tensor& /*weight*/) {
  TORCH_CHECK(false, "the kernels have no packed GEMM");
}

void PackedDense(const at::Tensor& /*x*/, const at::Tensor& /*packed_weight*/,
                 const at::Tensor& /*bias*/, Activation /*activation*/, at::Tensor& /*y*/) {
  TORCH_CHECK(false, "the kernels have no packed GEMM");
}

}  // namespace fathom::ops
