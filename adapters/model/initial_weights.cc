#include "adapters/model/initial_weights.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>

namespace fathom::training {
namespace {

constexpr double kDeviation = 0.02;

}  // namespace

InitialWeights::InitialWeights(uint64_t seed) : generator_(at::detail::createCPUGenerator(seed)) {}

at::Tensor InitialWeights::Matrix(int64_t out, int64_t in) {
  return at::empty({out, in}, at::kFloat).normal_(0, kDeviation, generator_).requires_grad_();
}

at::Tensor InitialWeights::Bias(int64_t out) {
  return at::zeros({out}, at::kFloat).requires_grad_();
}

at::Tensor Frozen(const at::Tensor& parameter, WeightDtype dtype) {
  const at::Tensor value = parameter.detach().clone();
  return dtype == WeightDtype::kFp16 ? value.to(at::kHalf).to(at::kFloat) : value;
}

}  // namespace fathom::training
