// Adapter and Head: the weights of one task, checked against an encoder's sizes. Immutable once
// loaded; the trainer makes its own with tensors that require gradients.
#pragma once

#include <ATen/core/Tensor.h>

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "runtime/engine.h"
#include "runtime/task/activation.h"
#include "runtime/task/site.h"

namespace fathom {

// One bottleneck, fp32. D is the bottleneck width.
struct AdapterModule {
  at::Tensor down_weight;  // [D, H]
  at::Tensor down_bias;    // [D]
  at::Tensor up_weight;    // [H, D]
  at::Tensor up_bias;      // [H]
};

struct Adapter {
  AdapterLayout layout;
  // modules[layer][place]; defined exactly where layout.HasModule(layer, place).
  std::vector<std::array<std::optional<AdapterModule>, kPlaceCount>> modules;

  const AdapterModule& module(int layer, Place place) const {
    return *modules[static_cast<size_t>(layer)][static_cast<size_t>(place)];
  }
};

// A prediction head over the [CLS] row: linear layers with the activation between them.
struct HeadLayer {
  at::Tensor weight;  // [out, in]
  at::Tensor bias;    // [out]; of the last layer undefined if the config says bias: false
};

struct Head {
  HeadKind kind = HeadKind::kClassification;
  std::vector<HeadLayer> layers;  // at least one; the last has C rows (1 for regression)
  Activation activation = Activation::kTanh;  // between layers
  bool use_pooler = false;  // read the encoder's pooler output instead of the last hidden state
  std::vector<std::string> labels;  // [C] by class index; empty for regression
};

}  // namespace fathom
