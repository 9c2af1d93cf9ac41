// TrainingLoop: optimizer steps, dev evaluations at fixed depths, checkpoints, and the choice of
// the best weights.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "adapters/data/dataset.h"
#include "adapters/model/trainable_task.h"
#include "adapters/parallel/gradient_sum.h"
#include "adapters/parallel/ranks.h"
#include "adapters/report/progress.h"
#include "adapters/report/training_log.h"
#include "adapters/schedule/batching.h"
#include "adapters/schedule/divergence_guard.h"
#include "adapters/schedule/learning_rate.h"
#include "adapters/schedule/selection.h"
#include "adapters/schedule/skip_schedule.h"
#include "adapters/train/checkpoint.h"
#include "adapters/train/evaluator.h"
#include "adapters/train/gradient_step.h"
#include "adapters/train/optimizer.h"

namespace fathom::training {

struct TrainingLoopOptions {
  SkipScheduleOptions skip;
  OptimizerOptions optimizer;
  double learning_rate = 1e-4;
  double warmup_share = 0.06;
  int batch_size = 32;
  int epochs = 5;
  uint64_t seed = 1;
  int64_t dev_every_steps = 0;  // evaluate and save this often; 0: at the end of each epoch
  SelectionRule select_by;
  int early_stopping = 0;  // evaluations without a better score that end training; 0: off
  GradientStepOptions step;
  WeightDtype weight_dtype = WeightDtype::kFp32;  // evaluations see what will be written
  std::string checkpoint_path;
  std::map<std::string, std::string> settings;  // kept in the checkpoint
  Ranks* ranks = nullptr;      // of a data-parallel run; all have the same options. Not owned
  TrainingLog* log = nullptr;  // not owned
};

struct TrainingResult {
  bool interrupted = false;
  bool stopped_early = false;
  int64_t steps = 0;
  int64_t best_step = 0;  // 0: interrupted before the first evaluation
  double best_score = 0;  // by the selection rule
};

// One thread. What it is given outlives it.
class TrainingLoop {
 public:
  TrainingLoop(std::shared_ptr<const Encoder> encoder, TrainableTask& task, const Dataset& data,
               const TrunkSource& trunks, Evaluator& evaluator, const TrainingLoopOptions& options);

  int64_t total_steps() const { return learning_rate_.total_steps; }
  int64_t step() const { return step_; }

  // Goes on where the checkpoint was written. INVALID_ARGUMENT or FAILED_PRECONDITION if it is of
  // another run.
  absl::Status Restore(const Checkpoint& checkpoint);

  // Trains to the end, until early stopping or until `stop_requested` is true after a step, and
  // leaves the best weights in the parameters (before the first evaluation: the current ones). A
  // checkpoint is written before the first step, so that a folder that cannot be written fails at
  // once; later ones that fail are reported and the previous one stays. With ranks, each computes
  // its part of a step, and only the first evaluates and writes; UNAVAILABLE if another one has
  // ended. INVALID_ARGUMENT names step, n and learning rate where the loss, the gradients or a dev
  // score are not finite, or the loss diverges.
  absl::StatusOr<TrainingResult> Run(const std::function<bool()>& stop_requested,
                                     Progress& progress);

 private:
  absl::StatusOr<StepTotals> Step(bool stop_requested);
  StepTotals GradientsOfThisRank(const SkippedLayers& skipped);
  bool EvaluationIsDue() const;
  // Says what the dev scores are.
  absl::StatusOr<std::string> EvaluateAndKeepBest();
  bool StopsEarly() const;
  // Of this step: "WHAT at step 3 (n = 1, learning rate 0.1); …".
  absl::Status Failed(const std::string& what, const SkippedLayers& skipped) const;
  absl::Status Save() const;
  bool is_first_rank() const { return options_.ranks == nullptr || options_.ranks->is_first(); }

  TrainableTask& task_;
  Evaluator& evaluator_;
  const TrainingLoopOptions options_;
  const BatchingOptions batching_;
  const LearningRateSchedule learning_rate_;
  const std::vector<int> selection_depths_;
  SkipSchedule skip_;
  Optimizer optimizer_;
  GradientStep gradient_step_;
  int64_t step_ = 0;
  int64_t order_epoch_ = -1;  // epoch of epoch_order_
  std::vector<int64_t> epoch_order_;
  TensorMap best_weights_;
  double best_score_ = 0;
  int64_t best_step_ = 0;
  int64_t evaluations_since_best_ = 0;
  DivergenceGuard divergence_;
};

}  // namespace fathom::training
