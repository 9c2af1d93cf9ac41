#include "runtime/task/fusion.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/matmul.h>

namespace fathom {
namespace {

// Products of many matrices are rounded once, at the end.
at::Tensor Wide(const at::Tensor& tensor) { return tensor.to(at::kDouble); }

at::Tensor Narrow(const at::Tensor& tensor) { return tensor.to(at::kFloat).contiguous(); }

// The members that stand at one place of one layer, side by side.
struct Stacked {
  std::vector<FusionModule::Member> members;
  std::vector<at::Tensor> down_weights;  // [D_j, H] each
  std::vector<at::Tensor> down_biases;   // [D_j] each
  std::vector<at::Tensor> ups;           // [H, D_j] each, scaled
  std::vector<at::Tensor> up_biases;     // [H, 1] each, scaled
};

Stacked StackMembers(const std::vector<Adapter>& members, int layer, Place place) {
  Stacked stacked;
  for (const Adapter& member : members) {
    if (!member.layout.HasModule(layer, place)) continue;
    const AdapterSite& site = *member.layout.site(place);
    const AdapterModule& module = member.module(layer, place);
    stacked.members.push_back(
        {.width = static_cast<int>(module.down_bias.numel()), .activation = site.activation});
    stacked.down_weights.push_back(Narrow(module.down_weight));
    stacked.down_biases.push_back(Narrow(module.down_bias));
    stacked.ups.push_back(Wide(module.up_weight) * site.scaling);
    stacked.up_biases.push_back(Wide(module.up_bias).unsqueeze(1) * site.scaling);
  }
  return stacked;
}

// A score is q · W_k u_j, and u_j = U_j h_j + c_j: with every U_j and c_j as the columns of
// `outputs` [H, ΣD + K], outputsᵀ W_kᵀ (W_q z + b_q) has t_j and o_j of all members. b_k adds q ·
// b_k to all scores of a row, which softmax does not see.
FusionModule Absorb(const FusionLayer& layer, const Stacked& stacked) {
  std::vector<at::Tensor> columns = stacked.ups;
  columns.insert(columns.end(), stacked.up_biases.begin(), stacked.up_biases.end());
  const at::Tensor outputs = at::cat(columns, 1);
  const at::Tensor keys = at::matmul(outputs.t(), Wide(layer.key_weight).t());
  std::vector<at::Tensor> read_weights = stacked.down_weights;
  read_weights.push_back(Narrow(at::matmul(keys, Wide(layer.query_weight))));
  std::vector<at::Tensor> read_biases = stacked.down_biases;
  read_biases.push_back(Narrow(at::matmul(keys, Wide(layer.query_bias))));
  const at::Tensor values =
      layer.value_weight.defined() ? at::matmul(Wide(layer.value_weight), outputs) : outputs;
  return {.members = stacked.members,
          .read_weight = at::cat(read_weights),
          .read_bias = at::cat(read_biases),
          .write_weight = Narrow(values)};
}

}  // namespace

AdapterLayout FusedLayout(const Fusion& fusion) {
  AdapterLayout layout = fusion.members.front().layout;
  for (const Adapter& member : fusion.members) {
    for (size_t layer = 0; layer < layout.left_out.size(); ++layer) {
      layout.left_out[layer] = layout.left_out[layer] && member.layout.left_out[layer];
    }
  }
  return layout;
}

Adapter AbsorbFusion(const Fusion& fusion) {
  Adapter absorbed{.layout = FusedLayout(fusion)};
  absorbed.fusions.resize(fusion.layers.size());
  for (int layer = 0; layer < absorbed.layout.layers(); ++layer) {
    for (const Place place : {Place::kAttention, Place::kFfn}) {
      if (!absorbed.layout.HasModule(layer, place)) continue;
      const auto index = static_cast<size_t>(layer);
      const auto at_place = static_cast<size_t>(place);
      absorbed.fusions[index][at_place] =
          Absorb(*fusion.layers[index][at_place], StackMembers(fusion.members, layer, place));
    }
  }
  return absorbed;
}

}  // namespace fathom
