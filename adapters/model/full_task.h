// FullTask: full fine-tuning, the baseline of adapters: all weights of an encoder and a head.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "adapters/model/trainable_task.h"
#include "adapters/model/trained_encoder.h"

namespace fathom::training {

class FullTask : public TrainableTask {
 public:
  // Starts from the weights of `encoder`, which has plain ones. `labels` [C]; empty: regression.
  FullTask(const Encoder& encoder, const std::vector<std::string>& labels, uint64_t seed);

  const TrainedEncoder& encoder() const { return encoder_; }

  // No module anywhere.
  const AdapterLayout& layout() const override { return layout_; }
  at::Tensor Delta(int layer, Place place, const at::Tensor& input,
                   Dropout& dropout) const override;
  const DifferentiableEncoder* trained_encoder() const override { return &encoder_; }
  // With an encoder of its own. LibTorch's exceptions pass through.
  FrozenTask Freeze(WeightDtype dtype) const override;
  // As WriteModelFolder does.
  absl::Status Write(const TaskDestination& to, TrainingRecord record) const override;

 private:
  TrainedEncoder encoder_;
  AdapterLayout layout_;
};

}  // namespace fathom::training
