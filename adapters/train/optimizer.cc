#include "adapters/train/optimizer.h"

#include <ATen/ops/scalar_tensor.h>
#include <torch/nn/utils/clip_grad.h>
#include <torch/optim/adamw.h>

#include <cmath>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

namespace fathom::training {
namespace {

std::vector<at::Tensor> Values(const TensorMap& parameters) {
  std::vector<at::Tensor> values;
  for (const auto& [name, value] : parameters) values.push_back(value);
  return values;
}

torch::optim::AdamWOptions AdamWOptions(const OptimizerOptions& options) {
  return torch::optim::AdamWOptions()
      .betas({options.beta1, options.beta2})
      .eps(options.epsilon)
      .weight_decay(options.weight_decay);
}

}  // namespace

struct Optimizer::Impl {
  Impl(TensorMap named, const OptimizerOptions& options)
      : parameters(std::move(named)),
        max_gradient_norm(options.max_gradient_norm),
        adamw(Values(parameters), AdamWOptions(options)) {}

  const TensorMap parameters;
  const double max_gradient_norm;
  torch::optim::AdamW adamw;
};

Optimizer::Optimizer(TensorMap parameters, const OptimizerOptions& options)
    : impl_(std::make_unique<Impl>(std::move(parameters), options)) {}

Optimizer::~Optimizer() = default;

absl::Status Optimizer::Step(double learning_rate) {
  const double norm =
      torch::nn::utils::clip_grad_norm_(Values(impl_->parameters), impl_->max_gradient_norm);
  if (!std::isfinite(norm)) {
    return absl::InvalidArgumentError(absl::StrCat("the gradient norm is ", norm));
  }
  impl_->adamw.param_groups().front().options().set_lr(learning_rate);
  impl_->adamw.step();
  impl_->adamw.zero_grad();
  return absl::OkStatus();
}

TensorMap Optimizer::State() const {
  TensorMap result;
  const auto& states = impl_->adamw.state();
  for (const auto& [name, parameter] : impl_->parameters) {
    const auto found = states.find(parameter.unsafeGetTensorImpl());
    if (found == states.end()) continue;
    const auto& state = static_cast<const torch::optim::AdamWParamState&>(*found->second);
    result[name + ".exp_avg"] = state.exp_avg().clone();
    result[name + ".exp_avg_sq"] = state.exp_avg_sq().clone();
    result[name + ".step"] = at::scalar_tensor(state.step(), at::kLong);
  }
  return result;
}

absl::Status Optimizer::Restore(const TensorMap& state) {
  ska::flat_hash_map<void*, std::unique_ptr<torch::optim::OptimizerParamState>> restored;
  size_t used = 0;
  for (const auto& [name, parameter] : impl_->parameters) {
    const auto step = state.find(name + ".step");
    if (step == state.end()) continue;
    const auto mean = state.find(name + ".exp_avg");
    const auto square = state.find(name + ".exp_avg_sq");
    if (mean == state.end() || square == state.end() || step->second.numel() != 1 ||
        mean->second.sizes() != parameter.sizes() || square->second.sizes() != parameter.sizes()) {
      return absl::InvalidArgumentError(
          absl::StrCat("the optimizer state of '", name, "' does not fit this run"));
    }
    auto entry = std::make_unique<torch::optim::AdamWParamState>();
    entry->step(step->second.item<int64_t>());
    entry->exp_avg(mean->second.clone());
    entry->exp_avg_sq(square->second.clone());
    restored[parameter.unsafeGetTensorImpl()] = std::move(entry);
    used += 3;
  }
  if (used != state.size()) {
    return absl::InvalidArgumentError("the optimizer state is of other parameters");
  }
  impl_->adamw.state() = std::move(restored);
  return absl::OkStatus();
}

}  // namespace fathom::training
