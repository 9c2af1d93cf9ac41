#include "runtime/model/linear.h"

#include <ATen/Context.h>
#include <ATen/Version.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/ops/linear.h>
#include <c10/core/InferenceMode.h>

#include "runtime/pass/ops/activation.h"

namespace fathom {
namespace {

at::Tensor Pack(const at::Tensor& weight) {
  using Reorder = at::Tensor(const at::Tensor&, std::optional<int64_t>);
  static const auto reorder = c10::Dispatcher::singleton()
                                  .findSchemaOrThrow("mkldnn::_reorder_linear_weight", "")
                                  .typed<Reorder>();
  return reorder.call(weight, std::nullopt);
}

at::Tensor PackedLinear(const at::Tensor& x, const at::Tensor& packed_weight,
                        const at::Tensor& bias, Activation fused) {
  using Pointwise = at::Tensor(
      const at::Tensor&, const at::Tensor&, const std::optional<at::Tensor>&, std::string_view,
      c10::List<std::optional<at::Scalar>>, std::optional<std::string_view>);
  static const auto pointwise = c10::Dispatcher::singleton()
                                    .findSchemaOrThrow("mkldnn::_linear_pointwise", "")
                                    .typed<Pointwise>();
  static const c10::List<std::optional<at::Scalar>> no_scalars;
  switch (fused) {
    case Activation::kGelu:
      return pointwise.call(x, packed_weight, bias, "gelu", no_scalars, "none");
    case Activation::kGeluTanh:
      return pointwise.call(x, packed_weight, bias, "gelu", no_scalars, "tanh");
    case Activation::kRelu:
      return pointwise.call(x, packed_weight, bias, "relu", no_scalars, std::nullopt);
    default:
      return pointwise.call(x, packed_weight, bias, "none", no_scalars, std::nullopt);
  }
}

// oneDNN computes GELU inside the GEMM well with AVX-512 only: on AVX2 its fused form costs more
// than a pass of ATen's over the result.
bool FusesWell(Activation activation) {
  switch (activation) {
    case Activation::kRelu:
      return true;
    case Activation::kGelu:
    case Activation::kGeluTanh:
      return at::get_cpu_capability() == "AVX512";
    default:
      return false;
  }
}

}  // namespace

Linear::Linear(at::Tensor weight, at::Tensor bias, Activation activation,
               PlainWeights plain_weights)
    : bias_(std::move(bias)),
      activation_(activation),
      packed_(at::hasMKLDNN() && at::globalContext().userEnabledMkldnn()),
      fused_activation_(packed_ && FusesWell(activation)) {
  if (packed_) {
    const c10::InferenceMode inference;
    packed_weight_ = Pack(weight);
  } else {
    packed_weight_ = weight;
  }
  if (plain_weights == PlainWeights::kKeep) weight_ = std::move(weight);
}

at::Tensor Linear::operator()(const at::Tensor& x) const {
  const Activation inside = fused_activation_ ? activation_ : Activation::kIdentity;
  at::Tensor y = packed_ ? PackedLinear(x, packed_weight_, bias_, inside)
                         : at::linear(x, packed_weight_, bias_);
  if (!fused_activation_) ops::ActivateInPlace(y, activation_);
  return y;
}

}  // namespace fathom
