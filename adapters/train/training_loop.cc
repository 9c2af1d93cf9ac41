#include "adapters/train/training_loop.h"

#include <ATen/ops/scalar_tensor.h>

#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "adapters/schedule/uniform.h"

namespace fathom::training {
namespace {

BatchingOptions Batching(const Dataset& data, const TrainingLoopOptions& options) {
  return {.texts = static_cast<int64_t>(data.examples.size()),
          .batch_size = options.batch_size,
          .seed = options.seed};
}

LearningRateSchedule LearningRates(const BatchingOptions& batching,
                                   const TrainingLoopOptions& options) {
  return {.peak = options.learning_rate,
          .warmup_share = options.warmup_share,
          .total_steps = StepsPerEpoch(batching) * options.epochs};
}

std::string FormatScores(absl::Span<const DepthPoint> points) {
  return absl::StrJoin(points, "  ", [](std::string* out, const DepthPoint& point) {
    absl::StrAppend(out, absl::StrFormat("n=%d %.4f", point.skip_layers, point.score));
  });
}

}  // namespace

TrainingLoop::TrainingLoop(std::shared_ptr<const Encoder> encoder, TrainableTask& task,
                           const Dataset& data, const TrunkSource& trunks, Evaluator& evaluator,
                           const TrainingLoopOptions& options)
    : task_(task),
      evaluator_(evaluator),
      options_(options),
      batching_(Batching(data, options)),
      learning_rate_(LearningRates(batching_, options)),
      selection_depths_(SelectionDepths(options.skip, options.select_by)),
      skip_(options.skip),
      optimizer_(task.named(), options.optimizer),
      gradient_step_(std::move(encoder), task, data, trunks, options.step) {}

absl::Status TrainingLoop::Restore(const Checkpoint& checkpoint) {
  absl::Status status = CheckSameSettings(checkpoint.settings, options_.settings);
  if (status.ok()) status = skip_.Restore(checkpoint.skip_stream);
  if (status.ok()) status = optimizer_.Restore(checkpoint.optimizer);
  // The best weights first: assigning them checks them, and the current ones replace them.
  if (status.ok() && !checkpoint.best_weights.empty()) {
    status = task_.Assign(checkpoint.best_weights);
  }
  if (status.ok()) status = task_.Assign(checkpoint.weights);
  if (!status.ok()) return status;
  step_ = checkpoint.step;
  best_weights_ = checkpoint.best_weights;
  best_score_ = checkpoint.best_score;
  best_step_ = checkpoint.best_step;
  evaluations_since_best_ = checkpoint.evaluations_since_best;
  divergence_ = DivergenceGuard(checkpoint.divergence);
  return absl::OkStatus();
}

absl::StatusOr<TrainingResult> TrainingLoop::Run(const std::function<bool()>& stop_requested,
                                                 Progress& progress) {
  if (absl::Status status = Save(); !status.ok()) return status;
  TrainingResult result;
  while (step_ < total_steps() && !StopsEarly() && !result.interrupted) {
    const absl::StatusOr<StepTotals> totals = Step(stop_requested());
    if (!totals.ok()) return totals.status();
    progress.Step(totals->loss, options_.batch_size);
    const bool evaluate = EvaluationIsDue();
    if (evaluate) {
      const absl::StatusOr<std::string> scores = EvaluateAndKeepBest();
      if (!scores.ok()) return scores.status();
      progress.Message(*scores);
    }
    result.interrupted = totals->stop_requests > 0 && step_ < total_steps() && !StopsEarly();
    if (!evaluate && !result.interrupted) continue;
    if (absl::Status status = Save(); !status.ok()) {
      progress.Message(absl::StrCat("warning: no new checkpoint, the previous one is unchanged: ",
                                    std::string(status.message())));
    }
  }
  result.stopped_early = step_ < total_steps() && StopsEarly();
  result.steps = step_;
  result.best_step = best_step_;
  result.best_score = best_score_;
  if (!best_weights_.empty()) {
    if (absl::Status status = task_.Assign(best_weights_); !status.ok()) return status;
  }
  return result;
}

// One optimizer step.
absl::StatusOr<StepTotals> TrainingLoop::Step(bool stop_requested) {
  const SkippedLayers skipped = skip_.Next();
  const double rate = learning_rate_.At(step_);
  StepTotals totals = GradientsOfThisRank(skipped);
  totals.stop_requests = stop_requested ? 1 : 0;
  if (options_.ranks != nullptr) {
    absl::Status status = SumGradients(*options_.ranks, task_.named(), totals);
    if (!status.ok()) return status;
  }
  if (!std::isfinite(totals.loss)) {
    return Failed(absl::StrCat("the loss is ", totals.loss), skipped);
  }
  if (divergence_.Diverged(totals.loss)) {
    const DivergenceGuard::State& state = divergence_.state();
    return Failed(absl::StrFormat("the loss diverges: its running mean is %.3g and was above %g "
                                  "times its first mean, %.3g, for %d steps",
                                  state.mean, DivergenceGuard::kFactor, state.plateau, state.above),
                  skipped);
  }
  if (absl::Status status = optimizer_.Step(rate); !status.ok()) {
    return Failed(std::string(status.message()), skipped);
  }
  ++step_;
  if (options_.log != nullptr) {
    options_.log->Add(
        {.step = step_, .skip_layers = skipped.count, .loss = totals.loss, .learning_rate = rate});
  }
  return totals;
}

StepTotals TrainingLoop::GradientsOfThisRank(const SkippedLayers& skipped) {
  const int64_t steps_per_epoch = StepsPerEpoch(batching_);
  const int64_t epoch = step_ / steps_per_epoch;
  if (epoch != order_epoch_) {
    epoch_order_ = EpochOrder(batching_, epoch);
    order_epoch_ = epoch;
  }
  const absl::Span<const int64_t> texts =
      StepTexts(batching_, epoch_order_, step_ % steps_per_epoch);
  const int ranks = options_.ranks == nullptr ? 1 : options_.ranks->size();
  const int rank = options_.ranks == nullptr ? 0 : options_.ranks->rank();
  const uint64_t step_seed =
      StreamSeed(StreamSeed(options_.seed, Stream::kDropout), static_cast<uint64_t>(step_));
  StepTotals totals;
  totals.loss =
      gradient_step_.Run({.texts = RankTexts(texts, rank, ranks),
                          .step_texts = static_cast<int64_t>(texts.size()),
                          .skipped = skipped,
                          .dropout_seed = StreamSeed(step_seed, static_cast<uint64_t>(rank))});
  // The penalty is of the step, so it is counted once.
  const at::Tensor penalty = is_first_rank() ? task_.Penalty() : at::Tensor();
  if (penalty.defined()) {
    penalty.backward();
    totals.loss += penalty.item<double>();
  }
  return totals;
}

absl::Status TrainingLoop::Failed(const std::string& what, const SkippedLayers& skipped) const {
  return absl::InvalidArgumentError(
      absl::StrFormat("%s at step %d (n = %d, learning rate %g); a lower --learning-rate may help",
                      what, step_ + 1, skipped.count, learning_rate_.At(step_)));
}

bool TrainingLoop::StopsEarly() const {
  return options_.early_stopping > 0 && evaluations_since_best_ >= options_.early_stopping;
}

bool TrainingLoop::EvaluationIsDue() const {
  const int64_t every =
      options_.dev_every_steps > 0 ? options_.dev_every_steps : StepsPerEpoch(batching_);
  return step_ % every == 0 || step_ == total_steps();
}

absl::StatusOr<std::string> TrainingLoop::EvaluateAndKeepBest() {
  std::vector<DepthPoint> points;
  double score = 0;
  if (is_first_rank()) {
    points = evaluator_.Measure(task_.Freeze(options_.weight_dtype), selection_depths_);
    score = SelectionScore(points, options_.select_by);
  }
  if (options_.ranks != nullptr) {  // so that all take the same decisions
    at::Tensor sum = at::scalar_tensor(score, at::kDouble);
    if (absl::Status status = options_.ranks->Sum(sum); !status.ok()) return status;
    score = sum.item<double>();
  }
  if (!std::isfinite(score)) {
    return absl::InvalidArgumentError(absl::StrFormat(
        "after step %d (learning rate %g) the task answers dev rows with numbers that are not "
        "finite: %s; a lower --learning-rate may help",
        step_, learning_rate_.At(step_ - 1), FormatScores(points)));
  }
  const bool better = best_weights_.empty() || score > best_score_;
  evaluations_since_best_ = better ? 0 : evaluations_since_best_ + 1;
  if (better) {
    best_weights_ = task_.Snapshot();
    best_score_ = score;
    best_step_ = step_;
  }
  if (options_.log != nullptr) options_.log->Add(step_, points, score, better);
  return absl::StrFormat("step %d  dev %s  %s %.4f%s", step_, FormatScores(points),
                         SelectionRuleName(options_.select_by), score, better ? "  (best)" : "");
}

absl::Status TrainingLoop::Save() const {
  if (!is_first_rank()) return absl::OkStatus();
  return WriteCheckpoint(options_.checkpoint_path,
                         {.settings = options_.settings,
                          .step = step_,
                          .skip_stream = skip_.State(),
                          .weights = task_.named(),
                          .optimizer = optimizer_.State(),
                          .best_weights = best_weights_,
                          .best_score = best_score_,
                          .best_step = best_step_,
                          .evaluations_since_best = evaluations_since_best_,
                          .divergence = divergence_.state()});
}

}  // namespace fathom::training
