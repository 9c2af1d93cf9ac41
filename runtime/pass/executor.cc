#include "runtime/pass/executor.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <c10/core/InferenceMode.h>
#include <c10/util/Exception.h>

#include <array>
#include <utility>
#include <vector>

#include "runtime/pass/ops/bottleneck.h"
#include "runtime/pass/ops/cls_attention.h"
#include "runtime/pass/ops/embed.h"

namespace fathom {
namespace {

using Segments = absl::Span<const EpilogueSegment>;

// Takes the segments of one adapter whose destinations follow each other off the front. Segments
// are sorted by adapter, then destination.
Segments TakeRun(Segments& rest) {
  size_t size = 1;
  while (size < rest.size() && rest[size].adapter == rest[0].adapter &&
         rest[size].dst_first == rest[size - 1].dst_first + rest[size - 1].count) {
    ++size;
  }
  const Segments run = rest.first(size);
  rest.remove_prefix(size);
  return run;
}

// The segments behind the plain ones, which come first.
Segments AdaptedPart(Segments all) {
  while (!all.empty() && all.front().adapter == PlanTask::kNoAdapter) all.remove_prefix(1);
  return all;
}

// The sources of a run in the order of its destinations, [rows of the run, H]. `first` is the
// segments' member that says where they begin.
at::Tensor Gather(const at::Tensor& from, Segments run, int32_t EpilogueSegment::* first) {
  if (run.size() == 1) return from.narrow(0, run[0].*first, run[0].count);
  std::vector<at::Tensor> parts;
  parts.reserve(run.size());
  for (const EpilogueSegment& segment : run) {
    parts.push_back(from.narrow(0, segment.*first, segment.count));
  }
  return at::cat(parts);
}

Rows Destination(Segments run) {
  const EpilogueSegment& last = run.back();
  return {run.front().dst_first, last.dst_first + last.count - run.front().dst_first};
}

// What a site's bottleneck reads, for the destinations of a run: [rows of the run, H].
at::Tensor InputOf(const AdapterSite& site, const AdapterInputs& inputs, Segments run, Rows rows) {
  switch (site.input) {
    case AdapterInput::kDense:
      return Gather(inputs.dense, run, &EpilogueSegment::src_first);
    case AdapterInput::kNormalizedSum:
      return inputs.normalized_sum.narrow(0, rows.first, rows.count);
    case AdapterInput::kResidual:
      return Gather(inputs.residual, run, &EpilogueSegment::residual_first);
  }
  TORCH_CHECK(false, "an adapter site without input");
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
  ops::Embed(table_, *encoder_, texts, state_);
}

void Executor::Reserve(int64_t rows) {
  if (workspace_.state.defined() && workspace_.state.size(0) >= rows) return;
  // Half as much again, so that growing traffic does not reallocate at every pass.
  const std::array<int64_t, 2> shape = {rows + rows / 2, encoder_->config().hidden_size};
  const at::TensorOptions options = encoder_->embeddings().words.options();
  for (at::Tensor* buffer :
       {&workspace_.state, &workspace_.next, &workspace_.context, &workspace_.delta}) {
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
    ops::ClsAttention(encoder_->cls_projections(), x, stage.cls_attention, cls);
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
  const auto residual_norm = [&](Segments segments, const at::Tensor& delta) {
    table_.residual_norm({.dense = dense,
                          .residual = residual,
                          .delta = delta,
                          .segments = segments,
                          .norm = norm,
                          .epsilon = encoder_->config().layer_norm_eps},
                         out);
  };
  const Segments all = stage.epilogue;
  const Segments adapted = AdaptedPart(all);
  // Rows of adapters get LN(f + x) too: it is what a Pfeiffer adapter reads.
  residual_norm(all, at::Tensor());
  if (!adapted.empty()) {
    const AdapterInputs inputs{.dense = dense, .residual = residual, .normalized_sum = out};
    RunAdapters(stage, adapted, inputs, adapters);
    residual_norm(adapted, workspace_.delta.narrow(0, 0, stage.rows_out));
  }
  std::swap(workspace_.state, workspace_.next);
  state_ = workspace_.state.narrow(0, 0, stage.rows_out);
}

// delta[dst] = the adapter's output, for the rows of every segment.
void Executor::RunAdapters(const Stage& stage, absl::Span<const EpilogueSegment> segments,
                           const AdapterInputs& inputs, absl::Span<const Adapter* const> adapters) {
  while (!segments.empty()) {
    const Segments run = TakeRun(segments);
    const Adapter& adapter = *adapters[static_cast<size_t>(run.front().adapter)];
    const AdapterSite& site = *adapter.layout.site(stage.place);
    const Rows rows = Destination(run);
    ops::Bottleneck(site, adapter.module(stage.layer, stage.place),
                    InputOf(site, inputs, run, rows),
                    workspace_.delta.narrow(0, rows.first, rows.count));
  }
}

}  // namespace fathom
