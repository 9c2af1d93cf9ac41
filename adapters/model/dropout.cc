#include "adapters/model/dropout.h"

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <c10/util/Exception.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <cmath>

#include "adapters/schedule/uniform.h"
#include "kernels/kernels.h"

namespace fathom::training {
namespace {

constexpr double kDrawLevels = 65536;

struct Mask {
  uint64_t key;
  uint16_t dropped_below;  // a draw of 16 bits below this one drops the element
  float scale;
};

at::Tensor Drop(const Mask& mask, const at::Tensor& input) {
  const at::Tensor x = input.contiguous();
  TORCH_CHECK(x.scalar_type() == at::kFloat, "dropout is of fp32");
  at::Tensor out = at::empty(x.sizes(), x.options());
  kernels::CpuKernels().dropout({.x = x.const_data_ptr<float>(),
                                 .out = out.mutable_data_ptr<float>(),
                                 .count = x.numel(),
                                 .key = mask.key,
                                 .dropped_below = mask.dropped_below,
                                 .scale = mask.scale},
                                at::get_num_threads());
  return out;
}

struct DropFunction : torch::autograd::Function<DropFunction> {
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& x,
                            const Mask& mask) {
    context->saved_data["key"] = static_cast<int64_t>(mask.key);
    context->saved_data["dropped_below"] = static_cast<int64_t>(mask.dropped_below);
    context->saved_data["scale"] = static_cast<double>(mask.scale);
    return Drop(mask, x);
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& grads) {
    const Mask mask{
        .key = static_cast<uint64_t>(context->saved_data["key"].toInt()),
        .dropped_below = static_cast<uint16_t>(context->saved_data["dropped_below"].toInt()),
        .scale = static_cast<float>(context->saved_data["scale"].toDouble())};
    return {Drop(mask, grads[0]), at::Tensor()};
  }
};

}  // namespace

at::Tensor Dropout::operator()(const at::Tensor& x, double probability) {
  if (probability == 0) return x;
  const double dropped = std::min(std::round(probability * kDrawLevels), kDrawLevels - 1);
  const Mask mask{.key = StreamSeed(seed_, calls_++),
                  .dropped_below = static_cast<uint16_t>(dropped),
                  .scale = static_cast<float>(kDrawLevels / (kDrawLevels - dropped))};
  return DropFunction::apply(x, mask);
}

}  // namespace fathom::training
