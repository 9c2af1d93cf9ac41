#include "runtime/pass/ops/cpu_checks.h"

#include <c10/util/Exception.h>

namespace fathom::ops {

void CheckMatrix(const at::Tensor& tensor, int64_t columns, const char* name) {
  TORCH_CHECK(tensor.dim() == 2 && tensor.size(1) == columns && tensor.is_contiguous() &&
                  tensor.scalar_type() == at::kFloat && tensor.device().is_cpu(),
              name, " must be a contiguous fp32 CPU matrix with ", columns, " columns, not ",
              tensor.toString(), tensor.sizes());
}

void CheckVector(const at::Tensor& tensor, int64_t size, const char* name) {
  TORCH_CHECK(tensor.dim() == 1 && tensor.numel() == size && tensor.is_contiguous() &&
                  tensor.scalar_type() == at::kFloat && tensor.device().is_cpu(),
              name, " must be a contiguous fp32 CPU vector of ", size, ", not ", tensor.toString(),
              tensor.sizes());
}

void CheckRows(int64_t first, int64_t count, const at::Tensor& tensor, const char* name) {
  TORCH_CHECK(first >= 0 && count >= 0 && first + count <= tensor.size(0), "rows ", first, " + ",
              count, " are outside of ", name, " with ", tensor.size(0), " rows");
}

kernels::Activation ToKernel(Activation activation) {
  switch (activation) {
    case Activation::kIdentity:
      return kernels::Activation::kIdentity;
    case Activation::kRelu:
      return kernels::Activation::kRelu;
    case Activation::kGelu:
      return kernels::Activation::kGelu;
    case Activation::kGeluTanh:
      return kernels::Activation::kGeluTanh;
    case Activation::kSilu:
      return kernels::Activation::kSilu;
    case Activation::kTanh:
      return kernels::Activation::kTanh;
    case Activation::kSigmoid:
      return kernels::Activation::kSigmoid;
    case Activation::kLeakyRelu:
      return kernels::Activation::kLeakyRelu;
  }
  TORCH_CHECK(false, "an unknown activation");
}

}  // namespace fathom::ops
