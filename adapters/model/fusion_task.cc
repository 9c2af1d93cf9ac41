#include "adapters/model/fusion_task.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/eye.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "adapters/model/initial_weights.h"
#include "adapters/schedule/uniform.h"
#include "runtime/pass/ops/activation.h"
#include "runtime/task/format/fusion_folder.h"

namespace fathom::training {
namespace {

constexpr double kPenaltyWeight = 0.01;
constexpr double kInitialOffDiagonal = 1e-6;
constexpr std::array<const char*, kPlaceCount> kPlaceNames = {"attention", "ffn"};
constexpr std::array<Place, kPlaceCount> kPlaces = {Place::kAttention, Place::kFfn};

at::Tensor InitialValueWeight(int64_t hidden) {
  at::Tensor weight = at::zeros({hidden, hidden}, at::kFloat).add_(kInitialOffDiagonal);
  weight.fill_diagonal_(1.0);
  return weight.requires_grad_();
}

at::Tensor Trained(const at::Tensor& value) {
  return value.defined() ? value.detach().clone().requires_grad_() : at::Tensor();
}

}  // namespace

FusionTask::FusionTask(const FusionDesign& design, uint64_t seed)
    : score_dropout_(design.score_dropout) {
  fusion_.member_names = design.member_names;
  fusion_.members = design.members;
  GatherMembers();
  InitialWeights weights(StreamSeed(seed, Stream::kWeights));
  const int64_t hidden = design.hidden_size;
  fusion_.layers.resize(places_.size());
  for (size_t layer = 0; layer < places_.size(); ++layer) {
    for (const Place place : kPlaces) {
      const auto at = static_cast<size_t>(place);
      if (places_[layer][at].members.empty()) continue;
      FusionLayer& fused = fusion_.layers[layer][at].emplace();
      fused.query_weight = weights.Matrix(hidden, hidden);
      fused.query_bias = InitialWeights::Bias(hidden);
      fused.key_weight = weights.Matrix(hidden, hidden);
      fused.key_bias = InitialWeights::Bias(hidden);
      fused.value_weight = InitialValueWeight(hidden);
    }
  }
  NameParameters();
  MakeHead(design.hidden_size, design.labels, seed);
}

FusionTask::FusionTask(const Fusion& fusion, const Head& head, double score_dropout)
    : fusion_(fusion), score_dropout_(score_dropout) {
  GatherMembers();
  for (auto& layer : fusion_.layers) {
    for (std::optional<FusionLayer>& fused : layer) {
      if (!fused) continue;
      for (at::Tensor* tensor : {&fused->query_weight, &fused->query_bias, &fused->key_weight,
                                 &fused->key_bias, &fused->value_weight}) {
        *tensor = Trained(*tensor);
      }
    }
  }
  NameParameters();
  UseHead(head);
}

// Puts the members of each place side by side.
void FusionTask::GatherMembers() {
  layout_ = FusedLayout(fusion_);
  places_.resize(static_cast<size_t>(layout_.layers()));
  for (int layer = 0; layer < layout_.layers(); ++layer) {
    for (const Place place : kPlaces) {
      if (!layout_.HasModule(layer, place)) continue;
      MembersAtPlace& all = places_[static_cast<size_t>(layer)][static_cast<size_t>(place)];
      std::vector<at::Tensor> down_weights;
      std::vector<at::Tensor> down_biases;
      std::vector<at::Tensor> up_weights;
      std::vector<at::Tensor> up_biases;
      for (size_t i = 0; i < fusion_.members.size(); ++i) {
        const Adapter& member = fusion_.members[i];
        if (!member.layout.HasModule(layer, place)) continue;
        const AdapterModule& module = member.module(layer, place);
        const AdapterSite& site = *member.layout.site(place);
        all.members.push_back(static_cast<int>(i));
        all.widths.push_back(module.down_bias.numel());
        all.activations.push_back(site.activation);
        all.one_activation = all.one_activation && site.activation == all.activations.front();
        down_weights.push_back(module.down_weight);
        down_biases.push_back(module.down_bias);
        up_weights.push_back(module.up_weight.t() * site.scaling);
        up_biases.push_back(module.up_bias * site.scaling);
      }
      all.down_weight = at::cat(down_weights);
      all.down_bias = at::cat(down_biases);
      all.up_weight = at::cat(up_weights);
      all.up_bias = at::stack(up_biases);
      all.owner = at::zeros({all.down_bias.numel(), static_cast<int64_t>(all.members.size())});
      int64_t row = 0;
      for (size_t i = 0; i < all.widths.size(); ++i) {
        all.owner.narrow(0, row, all.widths[i]).select(1, static_cast<int64_t>(i)).fill_(1);
        row += all.widths[i];
      }
    }
  }
}

void FusionTask::NameParameters() {
  for (size_t layer = 0; layer < fusion_.layers.size(); ++layer) {
    for (const Place place : kPlaces) {
      const auto at = static_cast<size_t>(place);
      const std::optional<FusionLayer>& fused = fusion_.layers[layer][at];
      if (!fused) continue;
      const std::string prefix = absl::StrCat("fusion.", layer, ".", kPlaceNames[at], ".");
      named_[prefix + "query_weight"] = fused->query_weight;
      named_[prefix + "query_bias"] = fused->query_bias;
      named_[prefix + "key_weight"] = fused->key_weight;
      named_[prefix + "key_bias"] = fused->key_bias;
      if (fused->value_weight.defined()) named_[prefix + "value_weight"] = fused->value_weight;
    }
  }
}

at::Tensor FusionTask::Hidden(const MembersAtPlace& members, const at::Tensor& input) {
  const at::Tensor down = at::linear(input, members.down_weight, members.down_bias);
  if (members.one_activation) return ops::Activate(down, members.activations.front());
  std::vector<at::Tensor> parts = down.split_with_sizes(members.widths, 1);
  for (size_t i = 0; i < parts.size(); ++i) {
    parts[i] = ops::Activate(parts[i], members.activations[i]);
  }
  return at::cat(parts, 1);
}

// score_j = q · (W_k u_j + b_k) with u_j = U_j h_j + c_j. The part of b_k is the same for all
// members, so softmax does not see it. With g = W_kᵀ q once a row, (U_jᵀ g) · h_j + g · c_j needs
// no key: everything of a member stays as narrow as its bottleneck.
at::Tensor FusionTask::Scores(const MembersAtPlace& members, const FusionLayer& fused,
                              const at::Tensor& input, const at::Tensor& hidden) {
  const at::Tensor query = at::linear(input, fused.query_weight, fused.query_bias);
  const at::Tensor reads = at::matmul(query, fused.key_weight);  // g, [R, H]
  return at::matmul(at::linear(reads, members.up_weight) * hidden, members.owner) +
         at::linear(reads, members.up_bias);
}

at::Tensor FusionTask::Attention(int layer, Place place, const at::Tensor& input) const {
  const MembersAtPlace& members = members_at(layer, place);
  const at::Tensor hidden = Hidden(members, input);
  return at::softmax(Scores(members, fusion_layer(layer, place), input, hidden), -1);
}

// Σ p_j W_v u_j = W_v Σ p_j u_j: one value matrix a row, not one a member.
at::Tensor FusionTask::Delta(int layer, Place place, const at::Tensor& input,
                             Dropout& dropout) const {
  const MembersAtPlace& members = members_at(layer, place);
  const FusionLayer& fused = fusion_layer(layer, place);
  const at::Tensor hidden = Hidden(members, input);
  const at::Tensor attention =
      at::softmax(dropout(Scores(members, fused, input, hidden), score_dropout_), -1);
  const at::Tensor weighted = hidden * at::matmul(attention, members.owner.t());
  const at::Tensor mixed =
      at::matmul(weighted, members.up_weight) + at::matmul(attention, members.up_bias);
  return fused.value_weight.defined() ? at::linear(mixed, fused.value_weight) : mixed;
}

at::Tensor FusionTask::Penalty() const {
  at::Tensor sum;
  for (const auto& layer : fusion_.layers) {
    for (const std::optional<FusionLayer>& fused : layer) {
      if (!fused || !fused->value_weight.defined()) continue;
      const at::Tensor& value = fused->value_weight;
      const at::Tensor distance = (at::eye(value.size(0)) - value).square().sum();
      sum = sum.defined() ? sum + distance : distance;
    }
  }
  return sum.defined() ? sum * kPenaltyWeight : sum;
}

FrozenTask FusionTask::Freeze(WeightDtype dtype) const {
  return {
      .encoder = nullptr, .adapter = AbsorbFusion(FrozenFusion(dtype)), .head = FrozenHead(dtype)};
}

absl::Status FusionTask::Write(const TaskDestination& to, TrainingRecord record) const {
  const FusionFolder folder{.name = "",
                            .fusion = FrozenFusion(to.dtype),
                            .head = FrozenHead(to.dtype),
                            .training = std::move(record)};
  return WriteFusionFolder(to.folder, folder, to.encoder, {.model_name = to.encoder_name},
                           to.dtype);
}

Fusion FusionTask::FrozenFusion(WeightDtype dtype) const {
  Fusion frozen = fusion_;
  for (auto& layer : frozen.layers) {
    for (std::optional<FusionLayer>& fused : layer) {
      if (!fused) continue;
      for (at::Tensor* tensor : {&fused->query_weight, &fused->query_bias, &fused->key_weight,
                                 &fused->key_bias, &fused->value_weight}) {
        if (tensor->defined()) *tensor = Frozen(*tensor, dtype);
      }
    }
  }
  return frozen;
}

}  // namespace fathom::training
