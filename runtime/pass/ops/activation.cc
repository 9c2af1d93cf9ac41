#include "runtime/pass/ops/activation.h"

#include <ATen/ops/gelu.h>
#include <ATen/ops/leaky_relu.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/sigmoid.h>
#include <ATen/ops/silu.h>
#include <ATen/ops/tanh.h>

namespace fathom::ops {

void ActivateInPlace(at::Tensor& x, Activation activation) {
  switch (activation) {
    case Activation::kIdentity:
      return;
    case Activation::kRelu:
      at::relu_(x);
      return;
    case Activation::kGelu:
      at::gelu_(x, "none");
      return;
    case Activation::kGeluTanh:
      at::gelu_(x, "tanh");
      return;
    case Activation::kSilu:
      at::silu_(x);
      return;
    case Activation::kTanh:
      at::tanh_(x);
      return;
    case Activation::kSigmoid:
      at::sigmoid_(x);
      return;
    case Activation::kLeakyRelu:
      at::leaky_relu_(x);
      return;
  }
}

at::Tensor Activate(const at::Tensor& x, Activation activation) {
  switch (activation) {
    case Activation::kIdentity:
      return x;
    case Activation::kRelu:
      return at::relu(x);
    case Activation::kGelu:
      return at::gelu(x, "none");
    case Activation::kGeluTanh:
      return at::gelu(x, "tanh");
    case Activation::kSilu:
      return at::silu(x);
    case Activation::kTanh:
      return at::tanh(x);
    case Activation::kSigmoid:
      return at::sigmoid(x);
    case Activation::kLeakyRelu:
      return at::leaky_relu(x);
  }
  return x;
}

}  // namespace fathom::ops
