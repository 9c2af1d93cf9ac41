#include "runtime/model/onednn.h"

#include <ATen/Context.h>
#include <ATen/core/dispatch/Dispatcher.h>

namespace fathom::onednn {

bool Available() { return at::hasMKLDNN() && at::globalContext().userEnabledMkldnn(); }

bool CanFuse(Activation activation) {
  switch (activation) {
    case Activation::kRelu:
    case Activation::kGelu:
    case Activation::kGeluTanh:
      return true;
    default:
      return false;
  }
}

at::Tensor PackWeight(const at::Tensor& weight) {
  using Reorder = at::Tensor(const at::Tensor&, std::optional<int64_t>);
  static const auto reorder = c10::Dispatcher::singleton()
                                  .findSchemaOrThrow("mkldnn::_reorder_linear_weight", "")
                                  .typed<Reorder>();
  return reorder.call(weight, std::nullopt);
}

at::Tensor Linear(const at::Tensor& x, const at::Tensor& packed_weight, const at::Tensor& bias,
                  Activation fused) {
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

}  // namespace fathom::onednn
