// GradientStep: loss and gradients of the texts of one optimizer step. The trunk comes from the
// cache and the serving executor, without gradients; the branch and the head run in autograd. The
// texts are split into packs, which run side by side.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/types/span.h"
#include "adapters/data/dataset.h"
#include "adapters/model/branch.h"
#include "adapters/model/differentiable_encoder.h"
#include "adapters/model/trainable_task.h"
#include "adapters/schedule/skip_schedule.h"
#include "adapters/train/worker_threads.h"
#include "adapters/trunk/trunk_source.h"
#include "runtime/pass/executor.h"

namespace fathom::training {

struct GradientStepOptions {
  DropoutRates rates;
  DropoutPlaces dropout_places = DropoutPlaces::kBranch;
  int64_t max_rows = 512;  // tokens in one pack, on the mean; bounds memory
};

struct StepInput {
  absl::Span<const int64_t> texts;  // indices into the dataset; may be empty
  int64_t step_texts = 0;           // of the whole step, these and those of other ranks
  SkippedLayers skipped;
  uint64_t dropout_seed = 0;
};

// One thread at a time; uses as many threads as the caller has (at::get_num_threads()) when it is
// made. Encoder, task, data and trunks (of the same data) are the caller's and outlive it.
class GradientStep {
 public:
  // `encoder` has plain weights. A task with an encoder of its own does not use it.
  GradientStep(std::shared_ptr<const Encoder> encoder, const TrainableTask& task,
               const Dataset& data, const TrunkSource& trunks, const GradientStepOptions& options);

  // Adds these texts' share of the gradients of the step's mean loss to the parameters and returns
  // their share of that loss: cross-entropy, or the squared error in regression. How texts are
  // packed, what is dropped and the order of sums do not depend on the number of threads.
  double Run(const StepInput& input);

 private:
  struct PackGradients {
    double loss = 0;
    std::vector<at::Tensor> gradients;  // by parameter; undefined where it has no part in it
  };

  PackGradients RunPack(int worker, size_t pack, absl::Span<const int64_t> texts,
                        const StepInput& input);
  at::Tensor ClsStates(int worker, absl::Span<const int64_t> texts, const SkippedLayers& skipped,
                       Dropout& dropout);
  void AddGradients(absl::Span<const at::Tensor> gradients);

  const TrainableTask& task_;
  const Dataset& data_;
  const TrunkSource& trunks_;
  const GradientStepOptions options_;
  const std::unique_ptr<const DifferentiableEncoder> frozen_;  // null: the task has its own
  const DifferentiableEncoder& encoder_;
  std::vector<at::Tensor> parameters_;
  std::vector<int32_t> tokens_;                       // of each text
  std::vector<std::unique_ptr<Executor>> executors_;  // by worker
  std::unique_ptr<WorkerThreads> workers_;            // null: the caller alone
};

}  // namespace fathom::training
