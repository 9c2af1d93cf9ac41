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

// The members of a fusion at one place of one layer, with the fusion's matrices multiplied into
// theirs (AbsorbFusion). With K members of widths D_j, ΣD their sum, and z the site's input:
//   read = read_weight · z + read_bias                              [ΣD | ΣD | K]
//   h = activation_j(first ΣD rows), t = the next ΣD, o = the last K
//   score_j = t_j · h_j + o_j,  p = softmax(score)
//   output = write_weight · [p_j · h_j | p_j]
// The scalings of the members are inside.
struct FusionModule {
  struct Member {
    int width = 0;  // D_j
    Activation activation = Activation::kRelu;
  };
  std::vector<Member> members;
  at::Tensor read_weight;   // [2ΣD + K, H]
  at::Tensor read_bias;     // [2ΣD + K]
  at::Tensor write_weight;  // [H, ΣD + K]
};

struct Adapter {
  AdapterLayout layout;
  // modules[layer][place]; defined exactly where layout.HasModule(layer, place).
  std::vector<std::array<std::optional<AdapterModule>, kPlaceCount>> modules;
  // Of an absorbed fusion instead of `modules`, which is then empty; otherwise empty.
  std::vector<std::array<std::optional<FusionModule>, kPlaceCount>> fusions;

  bool is_fusion() const { return !fusions.empty(); }
  const AdapterModule& module(int layer, Place place) const {
    return *modules[static_cast<size_t>(layer)][static_cast<size_t>(place)];
  }
  const FusionModule& fusion(int layer, Place place) const {
    return *fusions[static_cast<size_t>(layer)][static_cast<size_t>(place)];
  }
};

// The bottleneck width of each layer, [L]; 0 where none stands. Of a fusion, the width of one
// adapter with as many weights, about 1.5 times the widths of its members together.
std::vector<int> EffectiveWidths(const Adapter& adapter);

// A prediction head over the [CLS] row, or over each row (tagging): linear layers with the
// activation between them.
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
