#include "runtime/pass/executor.h"

#include <ATen/ops/empty.h>
#include <c10/core/InferenceMode.h>
#include <c10/util/Exception.h>

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

namespace fathom {
namespace {

using Segments = absl::Span<const EpilogueSegment>;

// How many segments are plain; they come first.
size_t PlainCount(Segments all) {
  const auto is_plain = [](const EpilogueSegment& segment) {
    return segment.adapter == PlanTask::kNoAdapter;
  };
  return static_cast<size_t>(std::find_if_not(all.begin(), all.end(), is_plain) - all.begin());
}

}  // namespace

Executor::Executor(std::shared_ptr<const Encoder> encoder, const ops::OpTable& table)
    : encoder_(std::move(encoder)), table_(table) {}

at::Tensor Executor::Run(const PassPlan& plan, absl::Span<const TokenizedText* const> texts,
                         absl::Span<const Adapter* const> adapters) {
  const c10::InferenceMode inference;
  Start(plan, texts);
  for (const Stage& stage : plan.stages) {
    Epilogue(stage, Dense(stage, state_), state_, adapters);
  }
  return state_;
}

TrunkState Executor::RunTrunk(absl::Span<const TokenizedText* const> texts, Fork fork) {
  std::vector<PlanText> plan_texts;
  for (const TokenizedText* text : texts) {
    plan_texts.push_back({.tokens = static_cast<int32_t>(text->ids.size()),
                          .tasks = {{.adapter = PlanTask::kNoAdapter}}});
  }
  const PassPlan plan = PlanPass(encoder_->config().layers, plan_texts);
  TrunkState inside;  // inference-mode tensors
  {
    const c10::InferenceMode inference;
    Start(plan, texts);
    for (const Stage& stage : plan.stages) {
      inside.dense = Dense(stage, state_);
      inside.residual = state_;
      if (Fork{stage.layer, stage.place} == fork) break;
      Epilogue(stage, inside.dense, state_, {});
    }
  }
  return {inside.dense.clone(), inside.residual.clone()};
}

void Executor::Start(const PassPlan& plan, absl::Span<const TokenizedText* const> texts) {
  TORCH_CHECK(plan.text_tokens.size() == texts.size(), "the plan is of ", plan.text_tokens.size(),
              " texts, the pass of ", texts.size());
  for (size_t i = 0; i < texts.size(); ++i) {
    TORCH_CHECK(texts[i]->ids.size() == static_cast<size_t>(plan.text_tokens[i]) &&
                    texts[i]->segment_ids.size() == texts[i]->ids.size(),
                "text ", i, " does not have the ", plan.text_tokens[i], " tokens of the plan");
  }
  Reserve(plan.max_rows);
  state_ = workspace_.state.narrow(0, 0, plan.stages.front().rows_in);
  table_.embed(*encoder_, texts, state_);
}

void Executor::Reserve(int64_t rows) {
  if (workspace_.state.defined() && workspace_.state.size(0) >= rows) return;
  // Half as much again, so that growing traffic does not reallocate at every pass.
  const std::array<int64_t, 2> shape = {rows + rows / 2, encoder_->config().hidden_size};
  const at::TensorOptions options = encoder_->embeddings().words.options();
  for (at::Tensor* buffer : {&workspace_.state, &workspace_.next, &workspace_.context}) {
    *buffer = at::empty(shape, options);
  }
}

// The stage's GEMMs: what comes before residual and LayerNorm. x [rows_in, H] -> f [rows_in, H].
at::Tensor Executor::Dense(const Stage& stage, const at::Tensor& x) {
  const EncoderLayer& layer = encoder_->layer(stage.layer);
  if (stage.place == Place::kFfn) return layer.ffn_out(layer.ffn_in(x));
  const auto cls_rows = static_cast<int64_t>(stage.cls_attention.size());
  const at::Tensor context = workspace_.context.narrow(0, 0, stage.rows_full + cls_rows);
  if (stage.rows_full > 0) {
    at::Tensor full = context.narrow(0, 0, stage.rows_full);
    table_.attention(layer.query_key_value(x.narrow(0, 0, stage.rows_full)), stage.attention,
                     encoder_->config().heads, full);
  }
  if (cls_rows > 0) {
    at::Tensor cls = context.narrow(0, stage.rows_full, cls_rows);
    table_.cls_attention(encoder_->cls_projections(), x, stage.cls_attention, cls);
  }
  return layer.attention_dense(context);
}

// Residual, adapters and LayerNorm of every row, each written where the next stage wants it.
void Executor::Epilogue(const Stage& stage, const at::Tensor& dense, const at::Tensor& residual,
                        absl::Span<const Adapter* const> adapters) {
  const EncoderLayer& layer = encoder_->layer(stage.layer);
  const LayerNormWeights& norm =
      stage.place == Place::kAttention ? layer.attention_norm : layer.ffn_norm;
  at::Tensor out = workspace_.next.narrow(0, 0, stage.rows_out);
  const Segments all = stage.epilogue;
  const size_t plain = PlainCount(all);
  ops::OpTable::ResidualNormCall rows{.dense = dense,
                                      .residual = residual,
                                      .segments = all.first(plain),
                                      .norm = norm,
                                      .epsilon = encoder_->config().layer_norm_eps};
  if (plain > 0) table_.residual_norm(rows, out);
  rows.segments = all.subspan(plain);
  if (!rows.segments.empty()) {
    table_.adapter_norm(
        {.rows = rows, .adapters = adapters, .layer = stage.layer, .place = stage.place}, out);
  }
  std::swap(workspace_.state, workspace_.next);
  state_ = workspace_.state.narrow(0, 0, stage.rows_out);
}

}  // namespace fathom
