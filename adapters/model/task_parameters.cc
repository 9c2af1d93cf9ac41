#include "adapters/model/task_parameters.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>

#include <array>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "adapters/schedule/uniform.h"

namespace fathom::training {
namespace {

constexpr double kInitialDeviation = 0.02;  // the library's "bert" initialisation
constexpr std::array<const char*, kPlaceCount> kPlaceNames = {"attention", "ffn"};

class Initializer {
 public:
  explicit Initializer(uint64_t seed)
      : generator_(at::detail::createCPUGenerator(StreamSeed(seed, Stream::kWeights))) {}

  at::Tensor Weight(int64_t out, int64_t in) {
    return at::empty({out, in}, at::kFloat)
        .normal_(0, kInitialDeviation, generator_)
        .requires_grad_();
  }
  at::Tensor Bias(int64_t out) { return at::zeros({out}, at::kFloat).requires_grad_(); }

 private:
  at::Generator generator_;
};

at::Tensor Frozen(const at::Tensor& parameter, WeightDtype dtype) {
  const at::Tensor value = parameter.detach().clone();
  return dtype == WeightDtype::kFp16 ? value.to(at::kHalf).to(at::kFloat) : value;
}

}  // namespace

TaskParameters::TaskParameters(const TaskDesign& design, uint64_t seed) {
  Initializer initializer(seed);
  const int64_t hidden = design.hidden_size;
  adapter_.layout = design.layout;
  adapter_.modules.resize(design.layout.left_out.size());
  for (int layer = 0; layer < design.layout.layers(); ++layer) {
    for (const Place place : {Place::kAttention, Place::kFfn}) {
      if (!design.layout.HasModule(layer, place)) continue;
      const auto at_place = static_cast<size_t>(place);
      AdapterModule module;
      module.down_weight = initializer.Weight(design.bottleneck, hidden);
      module.down_bias = initializer.Bias(design.bottleneck);
      module.up_weight = initializer.Weight(hidden, design.bottleneck);
      module.up_bias = initializer.Bias(hidden);
      const std::string prefix = absl::StrCat("adapter.", layer, ".", kPlaceNames[at_place], ".");
      named_[prefix + "down_weight"] = module.down_weight;
      named_[prefix + "down_bias"] = module.down_bias;
      named_[prefix + "up_weight"] = module.up_weight;
      named_[prefix + "up_bias"] = module.up_bias;
      adapter_.modules[static_cast<size_t>(layer)][at_place] = std::move(module);
    }
  }
  const bool regression = design.labels.empty();
  head_.kind = regression ? HeadKind::kRegression : HeadKind::kClassification;
  head_.labels = design.labels;
  const int64_t outputs = regression ? 1 : static_cast<int64_t>(design.labels.size());
  for (const int64_t out : {hidden, outputs}) {
    const HeadLayer layer{initializer.Weight(out, hidden), initializer.Bias(out)};
    const std::string prefix = absl::StrCat("head.", head_.layers.size(), ".");
    named_[prefix + "weight"] = layer.weight;
    named_[prefix + "bias"] = layer.bias;
    head_.layers.push_back(layer);
  }
}

TensorMap TaskParameters::Snapshot() const {
  TensorMap copy;
  for (const auto& [name, parameter] : named_) copy[name] = parameter.detach().clone();
  return copy;
}

absl::Status TaskParameters::Assign(const TensorMap& values) {
  for (const auto& [name, parameter] : named_) {
    const auto found = values.find(name);
    if (found == values.end()) {
      return absl::InvalidArgumentError(absl::StrCat("tensor '", name, "' is missing"));
    }
    if (found->second.sizes() != parameter.sizes()) {
      return absl::InvalidArgumentError(absl::StrCat(
          "tensor '", name, "' has shape [", absl::StrJoin(found->second.sizes(), ", "),
          "], this run's has [", absl::StrJoin(parameter.sizes(), ", "), "]"));
    }
  }
  if (values.size() != named_.size()) {
    return absl::InvalidArgumentError(
        absl::StrCat("it holds ", values.size(), " tensors, this run ", named_.size()));
  }
  const at::NoGradGuard no_grad;
  for (const auto& [name, parameter] : named_) parameter.copy_(values.find(name)->second);
  return absl::OkStatus();
}

Adapter TaskParameters::FrozenAdapter(WeightDtype dtype) const {
  Adapter frozen = adapter_;
  for (auto& layer : frozen.modules) {
    for (std::optional<AdapterModule>& module : layer) {
      if (!module) continue;
      for (at::Tensor* tensor :
           {&module->down_weight, &module->down_bias, &module->up_weight, &module->up_bias}) {
        *tensor = Frozen(*tensor, dtype);
      }
    }
  }
  return frozen;
}

Head TaskParameters::FrozenHead(WeightDtype dtype) const {
  Head frozen = head_;
  for (HeadLayer& layer : frozen.layers) {
    layer.weight = Frozen(layer.weight, dtype);
    layer.bias = Frozen(layer.bias, dtype);
  }
  return frozen;
}

}  // namespace fathom::training
