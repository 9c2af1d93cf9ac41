#include "adapters/model/dropout.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty_like.h>

namespace fathom::training {

Dropout::Dropout(uint64_t seed) : generator_(at::detail::createCPUGenerator(seed)) {}

at::Tensor Dropout::operator()(const at::Tensor& x, double probability) {
  if (probability == 0) return x;
  at::Tensor mask;
  {
    const at::NoGradGuard no_grad;
    mask = at::empty_like(x, at::MemoryFormat::Contiguous);
    mask.bernoulli_(1 - probability, generator_).mul_(1 / (1 - probability));
  }
  return x * mask;
}

}  // namespace fathom::training
