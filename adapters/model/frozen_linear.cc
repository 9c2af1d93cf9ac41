#include "adapters/model/frozen_linear.h"

#include <ATen/ops/zeros.h>
#include <torch/csrc/autograd/custom_function.h>

#include <utility>

#include "runtime/model/gemm.h"
#include "runtime/pass/ops/activation.h"

namespace fathom::training {
namespace {

Linear Pack(const Linear& like, at::Tensor weight, at::Tensor bias, at::ScalarType result) {
  const Precision precision = RunsInBf16(like) ? Precision::kBf16 : Precision::kFp32;
  return Linear(std::move(weight), std::move(bias), Activation::kIdentity,
                {.gemm = std::make_shared<const GemmChoice>(
                     StaticGemmChoice(Activation::kIdentity, precision)),
                 .result = result});
}

Linear Transposed(const Linear& linear, at::ScalarType result) {
  const at::Tensor weight = linear.weight().t().contiguous();
  return Pack(linear, weight, at::zeros({weight.size(0)}), result);
}

// A bf16 layer with an activation stands before another one, which reads bf16.
std::unique_ptr<const Linear> WithoutActivation(const Linear& linear) {
  if (linear.activation() == Activation::kIdentity) return nullptr;
  return std::make_unique<const Linear>(Pack(linear, linear.weight(), linear.bias(),
                                             RunsInBf16(linear) ? at::kBFloat16 : at::kFloat));
}

}  // namespace

bool RunsInBf16(const Linear& linear) { return linear.gemm().Uses(GemmForm::kOneDnnBf16); }

struct FrozenProduct : torch::autograd::Function<FrozenProduct> {
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& x,
                            const FrozenLinear* layer) {
    context->saved_data["layer"] = reinterpret_cast<int64_t>(layer);
    return (layer->product_ ? *layer->product_ : layer->linear_)(x.contiguous());
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& grads) {
    const auto* layer = reinterpret_cast<const FrozenLinear*>(context->saved_data["layer"].toInt());
    return {layer->Backward(grads[0].contiguous()), at::Tensor()};
  }
};

FrozenLinear::FrozenLinear(const Linear& forward, at::ScalarType input)
    : linear_(forward),
      product_(WithoutActivation(forward)),
      transposed_(Transposed(forward, input)) {
  const int64_t element = RunsInBf16(forward) ? 2 : 4;
  packed_bytes_ = forward.weight().numel() * element * (product_ ? 2 : 1);
}

at::Tensor FrozenLinear::operator()(const at::Tensor& x) const {
  return ops::Activate(FrozenProduct::apply(x, this), linear_.activation());
}

at::Tensor FrozenLinear::Backward(const at::Tensor& grad) const { return transposed_(grad); }

}  // namespace fathom::training
