// AttentionMeter: a fusion that also counts how much its members are used: the mean attention
// weight of each member in each layer (paper section 5.2: what pruning goes by).
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "adapters/model/fusion_task.h"

namespace fathom::training {

// By member: [members] where the fusion stands; members that do not stand there have 0. Rows sum
// to 1. Empty where it does not stand.
using MemberWeights = std::vector<std::array<std::vector<double>, kPlaceCount>>;  // [L][place]

// Run it through Branch without gradients. One thread.
class AttentionMeter : public TaskModules {
 public:
  // `fusion` outlives it.
  explicit AttentionMeter(const FusionTask& fusion);

  const AdapterLayout& layout() const override { return fusion_.layout(); }
  at::Tensor Delta(int layer, Place place, const at::Tensor& input,
                   Dropout& dropout) const override;

  // Over all rows so far. In the last layer these are the [CLS] rows.
  MemberWeights Mean() const;

 private:
  struct Sums {
    std::vector<double> weights;  // [members]
    int64_t rows = 0;
  };

  const FusionTask& fusion_;
  const size_t members_;
  mutable std::vector<std::array<Sums, kPlaceCount>> sums_;  // [L]
};

}  // namespace fathom::training
