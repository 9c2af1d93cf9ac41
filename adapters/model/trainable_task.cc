#include "adapters/model/trainable_task.h"

#include <ATen/core/grad_mode.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "adapters/model/initial_weights.h"
#include "adapters/schedule/uniform.h"

namespace fathom::training {

void TrainableTask::MakeHead(int hidden_size, const std::vector<std::string>& labels,
                             uint64_t seed) {
  InitialWeights weights(StreamSeed(seed, Stream::kHead));
  const bool regression = labels.empty();
  head_.kind = regression ? HeadKind::kRegression : HeadKind::kClassification;
  head_.labels = labels;
  const int64_t hidden = hidden_size;
  const int64_t outputs = regression ? 1 : static_cast<int64_t>(labels.size());
  for (const int64_t out : {hidden, outputs}) {
    head_.layers.push_back({weights.Matrix(out, hidden), InitialWeights::Bias(out)});
  }
  NameHead();
}

void TrainableTask::UseHead(const Head& head) {
  head_ = head;
  for (HeadLayer& layer : head_.layers) {
    layer.weight = layer.weight.detach().clone().requires_grad_();
    if (layer.bias.defined()) layer.bias = layer.bias.detach().clone().requires_grad_();
  }
  NameHead();
}

void TrainableTask::NameHead() {
  for (size_t i = 0; i < head_.layers.size(); ++i) {
    const std::string prefix = absl::StrCat("head.", i, ".");
    named_[prefix + "weight"] = head_.layers[i].weight;
    if (head_.layers[i].bias.defined()) named_[prefix + "bias"] = head_.layers[i].bias;
  }
}

Head TrainableTask::FrozenHead(WeightDtype dtype) const {
  Head frozen = head_;
  for (HeadLayer& layer : frozen.layers) {
    layer.weight = Frozen(layer.weight, dtype);
    if (layer.bias.defined()) layer.bias = Frozen(layer.bias, dtype);
  }
  return frozen;
}

TensorMap TrainableTask::Snapshot() const {
  TensorMap copy;
  for (const auto& [name, parameter] : named_) copy[name] = parameter.detach().clone();
  return copy;
}

absl::Status TrainableTask::Assign(const TensorMap& values) {
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

}  // namespace fathom::training
