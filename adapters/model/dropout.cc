#include "adapters/model/dropout.h"

#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <cmath>

#include "adapters/schedule/uniform.h"
#include "runtime/pass/ops/dropout.h"

namespace fathom::training {
namespace {

constexpr double kDrawLevels = 65536;

struct DropFunction : torch::autograd::Function<DropFunction> {
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& x,
                            const ops::DropoutMask& mask) {
    context->saved_data["key"] = static_cast<int64_t>(mask.key);
    context->saved_data["dropped_below"] = static_cast<int64_t>(mask.dropped_below);
    context->saved_data["scale"] = static_cast<double>(mask.scale);
    return ops::Drop(mask, x);
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& grads) {
    const ops::DropoutMask mask{
        .key = static_cast<uint64_t>(context->saved_data["key"].toInt()),
        .dropped_below = static_cast<uint16_t>(context->saved_data["dropped_below"].toInt()),
        .scale = static_cast<float>(context->saved_data["scale"].toDouble())};
    return {ops::Drop(mask, grads[0]), at::Tensor()};
  }
};

}  // namespace

at::Tensor Dropout::operator()(const at::Tensor& x, double probability) {
  if (probability == 0) return x;
  const double dropped = std::min(std::round(probability * kDrawLevels), kDrawLevels - 1);
  const ops::DropoutMask mask{.key = StreamSeed(seed_, calls_++),
                              .dropped_below = static_cast<uint16_t>(dropped),
                              .scale = static_cast<float>(kDrawLevels / (kDrawLevels - dropped))};
  return DropFunction::apply(x, mask);
}

}  // namespace fathom::training
