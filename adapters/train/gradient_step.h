// GradientStep: loss and gradients of the texts of one optimizer step. The trunk comes from the
// cache and the serving executor, without gradients; the branch and the head run in autograd.
#pragma once

#include <cstdint>
#include <memory>

#include "absl/types/span.h"
#include "adapters/data/dataset.h"
#include "adapters/model/branch.h"
#include "adapters/model/trainable_task.h"
#include "adapters/trunk/trunk_source.h"
#include "runtime/pass/executor.h"

namespace fathom::training {

struct GradientStepOptions {
  DropoutRates rates;
  int64_t max_rows =
      2048;  // tokens in one pack; bounds memory, does not change the result's meaning
};

struct StepInput {
  absl::Span<const int64_t> texts;  // indices into the dataset; may be empty
  int64_t step_texts = 0;           // of the whole step, these and those of other ranks
  int skip_layers = 0;              // n
  uint64_t dropout_seed = 0;
};

// One thread at a time. Encoder, task, data and trunks (of the same data) are the caller's and
// outlive it.
class GradientStep {
 public:
  GradientStep(std::shared_ptr<const Encoder> encoder, const TrainableTask& task,
               const Dataset& data, const TrunkSource& trunks, const GradientStepOptions& options);

  // Adds these texts' share of the gradients of the step's mean loss to the parameters and returns
  // their share of that loss: cross-entropy, or the squared error in regression.
  double Run(const StepInput& input);

 private:
  // The loss of one pack, summed over its texts.
  at::Tensor PackLoss(absl::Span<const int64_t> texts, int skip_layers, Dropout& dropout);
  at::Tensor TrunkAndBranch(absl::Span<const int64_t> texts, int skip_layers, Dropout& dropout);

  const std::shared_ptr<const Encoder> encoder_;
  const TrainableTask& task_;
  const Dataset& data_;
  const TrunkSource& trunks_;
  const GradientStepOptions options_;
  std::vector<int32_t> tokens_;  // of each text
  Executor executor_;
};

}  // namespace fathom::training
