// FusionTask: an AdapterFusion (runtime/task/fusion.h) in training: its query, key and value
// matrices and the head are trained, the fused adapters stay as they are.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "adapters/model/trainable_task.h"
#include "runtime/task/fusion.h"

namespace fathom::training {

struct FusionDesign {
  std::vector<std::string> member_names;
  std::vector<Adapter> members;     // of equal places and inputs, fp32, without gradient
  int hidden_size = 0;              // H
  std::vector<std::string> labels;  // [C]; empty: regression
  double score_dropout = 0;         // of the attention scores, as the library has it
};

class FusionTask : public TrainableTask {
 public:
  // Query and key weights from N(0, 0.02), biases 0; value matrices start at the identity, plus
  // 1e-6 outside of its diagonal. Equal designs and seeds give equal weights.
  FusionTask(const FusionDesign& design, uint64_t seed);

  // Goes on from a trained fusion. Layers without a value matrix stay so. REQUIRES as FusionDesign.
  FusionTask(const Fusion& fusion, const Head& head, double score_dropout = 0);

  const AdapterLayout& layout() const override { return layout_; }
  at::Tensor Delta(int layer, Place place, const at::Tensor& input,
                   Dropout& dropout) const override;

  // 0.01 · Σ ‖I − W_v‖² over all layers: keeps what the members say near to what they say alone.
  at::Tensor Penalty() const override;

  FrozenTask Freeze(WeightDtype dtype) const override;
  absl::Status Write(const TaskDestination& to, TrainingRecord record) const override;
  Fusion FrozenFusion(WeightDtype dtype) const;

  // How much each member that stands there counts: input [R, H] -> [R, K], rows sum to 1.
  at::Tensor Attention(int layer, Place place, const at::Tensor& input) const;

  size_t member_count() const { return fusion_.members.size(); }
  // Indices into the member names of the K members that stand there.
  const std::vector<int>& StandingMembers(int layer, Place place) const {
    return members_at(layer, place).members;
  }

 private:
  // The frozen members of a place, side by side. ΣD is the sum of their widths.
  struct MembersAtPlace {
    std::vector<int> members;             // [K]
    std::vector<int64_t> widths;          // [K]
    std::vector<Activation> activations;  // [K]
    bool one_activation = true;
    at::Tensor down_weight;  // [ΣD, H]
    at::Tensor down_bias;    // [ΣD]
    at::Tensor up_weight;    // [ΣD, H]; scalings inside
    at::Tensor up_bias;      // [K, H]; scalings inside
    at::Tensor owner;        // [ΣD, K]: 1 where the row is of the member
  };

  void GatherMembers();
  void NameParameters();
  // activation(down · input) of all members: input [R, H] -> [R, ΣD].
  static at::Tensor Hidden(const MembersAtPlace& members, const at::Tensor& input);
  // The members' scores, before softmax: [R, K].
  static at::Tensor Scores(const MembersAtPlace& members, const FusionLayer& fused,
                           const at::Tensor& input, const at::Tensor& hidden);

  const MembersAtPlace& members_at(int layer, Place place) const {
    return places_[static_cast<size_t>(layer)][static_cast<size_t>(place)];
  }
  const FusionLayer& fusion_layer(int layer, Place place) const {
    return *fusion_.layers[static_cast<size_t>(layer)][static_cast<size_t>(place)];
  }

  Fusion fusion_;
  AdapterLayout layout_;
  double score_dropout_;
  std::vector<std::array<MembersAtPlace, kPlaceCount>> places_;  // [L]
};

}  // namespace fathom::training
