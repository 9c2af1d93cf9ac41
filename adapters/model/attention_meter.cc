#include "adapters/model/attention_meter.h"

namespace fathom::training {

AttentionMeter::AttentionMeter(const FusionTask& fusion)
    : fusion_(fusion),
      members_(fusion.member_count()),
      sums_(static_cast<size_t>(fusion.layout().layers())) {}

at::Tensor AttentionMeter::Delta(int layer, Place place, const at::Tensor& input,
                                 Dropout& dropout) const {
  const at::Tensor sum = fusion_.Attention(layer, place, input).to(at::kDouble).sum(0);
  Sums& sums = sums_[static_cast<size_t>(layer)][static_cast<size_t>(place)];
  sums.weights.resize(members_);
  const std::vector<int>& standing = fusion_.StandingMembers(layer, place);
  for (size_t i = 0; i < standing.size(); ++i) {
    sums.weights[static_cast<size_t>(standing[i])] += sum[static_cast<int64_t>(i)].item<double>();
  }
  sums.rows += input.size(0);
  return fusion_.Delta(layer, place, input, dropout);
}

MemberWeights AttentionMeter::Mean() const {
  MemberWeights mean(sums_.size());
  for (size_t layer = 0; layer < sums_.size(); ++layer) {
    for (size_t place = 0; place < kPlaceCount; ++place) {
      const Sums& sums = sums_[layer][place];
      mean[layer][place] = sums.weights;
      for (double& weight : mean[layer][place]) weight /= static_cast<double>(sums.rows);
    }
  }
  return mean;
}

}  // namespace fathom::training
