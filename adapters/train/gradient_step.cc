#include "adapters/train/gradient_step.h"

#include <ATen/core/Reduction.h>
#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/mse_loss.h>

#include <optional>
#include <vector>

#include "adapters/schedule/batching.h"
#include "runtime/task/site.h"

namespace fathom::training {
namespace {

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

}  // namespace

GradientStep::GradientStep(std::shared_ptr<const Encoder> encoder, const TrainableTask& task,
                           const Dataset& data, const TrunkSource& trunks,
                           const GradientStepOptions& options)
    : encoder_(std::move(encoder)),
      task_(task),
      data_(data),
      trunks_(trunks),
      options_(options),
      executor_(encoder_) {
  tokens_.reserve(data.examples.size());
  for (const Example& example : data.examples) {
    tokens_.push_back(static_cast<int32_t>(example.text.ids.size()));
  }
}

double GradientStep::Run(const StepInput& input) {
  Dropout dropout(input.dropout_seed);
  double loss = 0;
  for (const std::vector<int64_t>& pack : PackByLength(input.texts, tokens_, options_.max_rows)) {
    const at::Tensor mean_share =
        PackLoss(pack, input.skip_layers, dropout).div(static_cast<double>(input.step_texts));
    mean_share.backward();
    loss += mean_share.item<double>();
  }
  return loss;
}

at::Tensor GradientStep::PackLoss(absl::Span<const int64_t> texts, int skip_layers,
                                  Dropout& dropout) {
  const at::Tensor cls = TrunkAndBranch(texts, skip_layers, dropout);
  const at::Tensor logits = TrainingHead(task_.head(), cls, options_.rates.head, dropout);
  return SummedLoss(logits, data_, texts);
}

at::Tensor GradientStep::TrunkAndBranch(absl::Span<const int64_t> texts, int skip_layers,
                                        Dropout& dropout) {
  const std::optional<Fork> fork = FindFork(task_.layout(), skip_layers);
  TORCH_CHECK(fork.has_value(), "no adapter module is left at skip depth ", skip_layers);
  std::vector<const TokenizedText*> tokenized;
  tokenized.reserve(texts.size());
  for (int64_t text : texts) {
    tokenized.push_back(&data_.examples[static_cast<size_t>(text)].text);
  }
  const PackedTexts packed = Pack(tokenized);
  const TrunkState trunk = trunks_.Get(executor_, texts, *fork);
  return Branch(*encoder_, task_, options_.rates, dropout)
      .ClsStates({.texts = packed, .trunk = trunk, .fork = *fork});
}

}  // namespace fathom::training
