// AdapterTask: an adapter and its head in training.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "adapters/model/initial_weights.h"
#include "adapters/model/trainable_task.h"

namespace fathom::training {

struct AdapterDesign {
  AdapterLayout layout;
  int hidden_size = 0;               // H
  std::vector<int> widths;           // [L] D of each layer
  std::vector<std::string> labels;   // [C]; empty: regression
  bool share_across_layers = false;  // one module a place for all layers; their widths are equal
};

class AdapterTask : public TrainableTask {
 public:
  // Weights from N(0, 0.02), biases 0. Equal designs and seeds give equal weights.
  AdapterTask(const AdapterDesign& design, uint64_t seed);

  // Its tensors are the trained ones.
  const Adapter& adapter() const { return adapter_; }

  const AdapterLayout& layout() const override { return adapter_.layout; }
  at::Tensor Delta(int layer, Place place, const at::Tensor& input,
                   Dropout& dropout) const override;
  FrozenTask Freeze(WeightDtype dtype) const override;
  absl::Status Write(const TaskDestination& to, TrainingRecord record) const override;

 private:
  AdapterModule MakeModule(const std::string& prefix, const AdapterDesign& design, int layer,
                           InitialWeights& weights);

  Adapter adapter_;
};

}  // namespace fathom::training
