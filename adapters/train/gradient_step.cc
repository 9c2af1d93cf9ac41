#include "adapters/train/gradient_step.h"

#include <ATen/Parallel.h>
#include <ATen/core/Reduction.h>
#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/mse_loss.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "adapters/data/text_packs.h"
#include "adapters/model/dropped_modules.h"
#include "adapters/model/frozen_encoder.h"
#include "adapters/schedule/batching.h"
#include "adapters/schedule/uniform.h"
#include "runtime/task/site.h"

namespace fathom::training {
namespace {

// A pack of a usual step: more workers than this would wait; they get more threads each instead.
constexpr int kMostWorkers = 4;

// logits [B, C] and the targets of the same texts -> the summed loss.
at::Tensor SummedLoss(const at::Tensor& logits, const Dataset& data,
                      absl::Span<const int64_t> texts) {
  const auto count = static_cast<int64_t>(texts.size());
  if (data.type == TaskType::kRegression) {
    at::Tensor targets = at::empty({count}, at::kFloat);
    float* target = targets.mutable_data_ptr<float>();
    for (int64_t text : texts) *target++ = data.examples[static_cast<size_t>(text)].target;
    return at::mse_loss(logits.squeeze(1), targets, at::Reduction::Sum);
  }
  at::Tensor labels = at::empty({count}, at::kLong);
  int64_t* label = labels.mutable_data_ptr<int64_t>();
  for (int64_t text : texts) *label++ = data.examples[static_cast<size_t>(text)].label;
  return at::cross_entropy_loss(logits, labels, /*weight=*/{}, at::Reduction::Sum);
}

std::vector<at::Tensor> Values(const TensorMap& named) {
  std::vector<at::Tensor> values;
  values.reserve(named.size());
  for (const auto& [name, tensor] : named) values.push_back(tensor);
  return values;
}

std::unique_ptr<const DifferentiableEncoder> Freeze(const std::shared_ptr<const Encoder>& encoder,
                                                    const TrainableTask& task) {
  if (task.trained_encoder() != nullptr) return nullptr;
  // Past the last layer where no module is left at n = 0: then there are no steps.
  const Fork lowest =
      FindFork(task.layout(), 0).value_or(Fork{task.layout().layers(), Place::kAttention});
  return std::make_unique<FrozenEncoder>(encoder, lowest);
}

}  // namespace

GradientStep::GradientStep(std::shared_ptr<const Encoder> encoder, const TrainableTask& task,
                           const Dataset& data, const TrunkSource& trunks,
                           const GradientStepOptions& options)
    : task_(task),
      data_(data),
      trunks_(trunks),
      options_(options),
      frozen_(Freeze(encoder, task)),
      encoder_(frozen_ ? *frozen_ : *task.trained_encoder()),
      parameters_(Values(task.named())),
      tokens_(TokenCounts(data)) {
  const int threads = at::get_num_threads();
  const int workers = std::min(threads, kMostWorkers);
  for (int i = 0; i < workers; ++i) executors_.push_back(std::make_unique<Executor>(encoder));
  if (workers > 1) workers_ = std::make_unique<WorkerThreads>(workers, threads / workers);
}

double GradientStep::Run(const StepInput& input) {
  const auto packs = BalancedPacks(input.texts, tokens_, options_.max_rows);
  std::vector<PackGradients> results(packs.size());
  const auto run = [&](int worker, size_t pack) {
    results[pack] = RunPack(worker, pack, packs[pack], input);
  };
  if (workers_ == nullptr) {
    for (size_t pack = 0; pack < packs.size(); ++pack) run(0, pack);
  } else {
    workers_->ForEach(packs.size(), run);
  }
  double loss = 0;
  for (const PackGradients& result : results) {
    AddGradients(result.gradients);
    loss += result.loss;
  }
  return loss;
}

GradientStep::PackGradients GradientStep::RunPack(int worker, size_t pack,
                                                  absl::Span<const int64_t> texts,
                                                  const StepInput& input) {
  Dropout dropout(StreamSeed(input.dropout_seed, pack));
  const at::Tensor cls = ClsStates(worker, texts, input.skipped, dropout);
  const at::Tensor logits = TrainingHead(task_.head(), cls, options_.rates.head, dropout);
  const at::Tensor mean_share =
      SummedLoss(logits, data_, texts).div(static_cast<double>(input.step_texts));
  PackGradients result;
  result.loss = mean_share.item<double>();
  result.gradients =
      torch::autograd::grad({mean_share}, parameters_, /*grad_outputs=*/{},
                            /*retain_graph=*/false, /*create_graph=*/false, /*allow_unused=*/true);
  return result;
}

at::Tensor GradientStep::ClsStates(int worker, absl::Span<const int64_t> texts,
                                   const SkippedLayers& skipped, Dropout& dropout) {
  const std::vector<const TokenizedText*> tokenized = TextsOf(data_, texts);
  const PackedTexts packed = Pack(tokenized);
  const DroppedModules modules(task_, skipped.which);
  Branch branch(encoder_, modules, options_.rates, dropout);
  if (frozen_ == nullptr) return branch.ClsStates({.tokens = tokenized, .packed = packed});
  const std::optional<Fork> fork =
      FindFork(modules.layout(), skipped.which.empty() ? skipped.count : 0);
  TORCH_CHECK(fork.has_value(), "no adapter module is left with ", skipped.count,
              " layers skipped");
  const TrunkState trunk =
      options_.dropout_places == DropoutPlaces::kEverywhere
          ? branch.DroppedTrunk({.tokens = tokenized, .packed = packed}, *fork)
          : trunks_.Get(*executors_[static_cast<size_t>(worker)], texts, *fork);
  return branch.ClsStates({.texts = packed, .trunk = trunk, .fork = *fork});
}

void GradientStep::AddGradients(absl::Span<const at::Tensor> gradients) {
  for (size_t i = 0; i < parameters_.size(); ++i) {
    if (!gradients[i].defined()) continue;
    at::Tensor& sum = parameters_[i].mutable_grad();
    if (sum.defined()) {
      sum.add_(gradients[i]);
    } else {
      // The optimizer cannot detach a view.
      sum = gradients[i].is_view() ? gradients[i].clone() : gradients[i];
    }
  }
}

}  // namespace fathom::training
