#include "runtime/pass/executor.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/tensor.h>
#include <c10/core/InferenceMode.h>
#include <c10/util/Exception.h>

#include <algorithm>
#include <chrono>
#include <initializer_list>
#include <utility>
#include <vector>

#include "runtime/pass/ops/tap_rows.h"

namespace fathom {
namespace {

// How many segments are plain; they come first.
size_t PlainCount(absl::Span<const EpilogueSegment> all) {
  const auto is_plain = [](const EpilogueSegment& segment) {
    return segment.adapter == PlanTask::kNoAdapter;
  };
  return static_cast<size_t>(std::find_if_not(all.begin(), all.end(), is_plain) - all.begin());
}

// Shares out the time of each stage between trunks and branches.
class StageClock {
 public:
  explicit StageClock(PassTimes* times) : times_(times) {
    if (times_ != nullptr) last_ = Now();
  }

  void EndEmbedding() { Add(0); }

  // By the rows that its GEMMs had; where all come from taps, everything is above a fork.
  void EndStage(const Stage& stage) {
    Add(stage.rows_in == 0 ? 1 : static_cast<double>(stage.rows_branch) / stage.rows_in);
  }

 private:
  using Clock = std::chrono::steady_clock;
  static Clock::time_point Now() { return Clock::now(); }

  void Add(double branch_share) {
    if (times_ == nullptr) return;
    const Clock::time_point now = Now();
    const double ms = std::chrono::duration<double, std::milli>(now - last_).count();
    times_->branches_ms += ms * branch_share;
    times_->trunk_ms += ms * (1 - branch_share);
    last_ = now;
  }

  PassTimes* const times_;
  Clock::time_point last_;
};

bool IsAbandoned(const PassWatch& watch) {
  return watch.abandoned != nullptr && *watch.abandoned && (*watch.abandoned)();
}

}  // namespace

Executor::Executor(std::shared_ptr<const Encoder> encoder, const ops::OpTable& table)
    : encoder_(std::move(encoder)), table_(table) {}

at::Tensor Executor::Run(const PassPlan& plan, absl::Span<const TokenizedText* const> texts,
                         absl::Span<const Adapter* const> adapters, const TapTransfer& taps,
                         const PassWatch& watch) {
  const c10::InferenceMode inference;
  StageClock clock(watch.times);
  Start(plan, texts);
  Embed(plan, texts);
  clock.EndEmbedding();
  for (const Stage& stage : plan.stages) {
    const bool next_layer = stage.place == Place::kAttention && stage.layer > 0;
    if (next_layer && IsAbandoned(watch)) return {};
    const at::Tensor dense = stage.rows_in > 0 ? Dense(stage, state_) : state_;
    KeepTaps(stage, dense, taps);
    LoadTaps(stage, taps);
    Epilogue(stage, dense, adapters);
    clock.EndStage(stage);
  }
  return state_;
}

TrunkState Executor::RunTrunk(absl::Span<const TokenizedText* const> texts, Fork fork,
                              const TrunkState* from) {
  if (from != nullptr && from->at == fork) return *from;
  TrunkState state;  // inference-mode tensors, in the workspace
  WalkTrunk(texts, fork, from, [&](const TrunkState& shown) { state = shown; });
  state.dense = state.dense.clone();
  state.residual = state.residual.clone();
  return state;
}

void Executor::ShowTrunk(absl::Span<const TokenizedText* const> texts, Fork last,
                         absl::FunctionRef<void(const TrunkState&)> show) {
  WalkTrunk(texts, last, /*from=*/nullptr, show);
}

void Executor::WalkTrunk(absl::Span<const TokenizedText* const> texts, Fork last,
                         const TrunkState* from, absl::FunctionRef<void(const TrunkState&)> show) {
  std::vector<PlanText> plan_texts;
  for (const TokenizedText* text : texts) {
    plan_texts.push_back({.tokens = static_cast<int32_t>(text->ids.size()),
                          .tasks = {{.adapter = PlanTask::kNoAdapter, .reads = Reads::kCls}}});
  }
  const PassPlan plan = PlanPass(encoder_->config().layers, plan_texts);
  const c10::InferenceMode inference;
  Start(plan, texts);
  if (from == nullptr) Embed(plan, texts);
  for (const Stage& stage : plan.stages) {
    const Fork here{stage.layer, stage.place};
    if (from != nullptr && here < from->at) continue;
    if (from != nullptr && here == from->at) {
      TORCH_CHECK(here.place == Place::kFfn && from->dense.size(0) == stage.rows_in,
                  "a trunk cannot start from this state");
      state_ = from->residual;
      Epilogue(stage, from->dense, {});
      continue;
    }
    const at::Tensor dense = Dense(stage, state_);
    show(TrunkStateAt(stage, dense));
    if (here == last) return;
    Epilogue(stage, dense, {});
  }
}

// After the last layer's attention GEMMs, [CLS] rows of f stand beside all rows of x.
TrunkState Executor::TrunkStateAt(const Stage& stage, const at::Tensor& dense) const {
  const int layers = encoder_->config().layers;
  TrunkState state{.at = {stage.layer, stage.place},
                   .dense = dense,
                   .residual = state_,
                   .cls_only = stage.layer == layers - 1 && layers > 1};
  if (stage.cls_attention.empty()) return state;
  std::vector<int64_t> cls_rows;
  for (const Rows& block : stage.cls_attention) cls_rows.push_back(block.first);
  state.residual = at::index_select(state_, 0, at::tensor(cls_rows));
  return state;
}

void Executor::Start(const PassPlan& plan, absl::Span<const TokenizedText* const> texts) {
  TORCH_CHECK(plan.text_tokens.size() == texts.size(), "the plan is of ", plan.text_tokens.size(),
              " texts, the pass of ", texts.size());
  for (size_t i = 0; i < texts.size(); ++i) {
    TORCH_CHECK(texts[i]->ids.size() == static_cast<size_t>(plan.text_tokens[i]) &&
                    texts[i]->segment_ids.size() == texts[i]->ids.size(),
                "text ", i, " does not have the ", plan.text_tokens[i], " tokens of the plan");
  }
  Reserve(plan.max_rows, plan.max_tap_rows);
}

void Executor::Embed(const PassPlan& plan, absl::Span<const TokenizedText* const> texts) {
  state_ = workspace_.state.narrow(0, 0, plan.stages.front().rows_in);
  embedded_.clear();
  for (const int32_t text : plan.embedded) embedded_.push_back(texts[static_cast<size_t>(text)]);
  if (!embedded_.empty()) table_.embed(*encoder_, embedded_, state_);
}

void Executor::Reserve(int64_t rows, int64_t tap_rows) {
  const int64_t hidden = encoder_->config().hidden_size;
  // Half as much again, so that growing traffic does not reallocate at every pass.
  const auto grow = [&](int64_t needed, int64_t width, std::initializer_list<at::Tensor*> buffers) {
    for (at::Tensor* buffer : buffers) {
      if (buffer->defined() && buffer->size(0) >= needed) continue;
      *buffer = at::empty({needed + needed / 2, width}, encoder_->embeddings().words.options());
    }
  };
  Workspace& all = workspace_;
  grow(rows, hidden, {&all.state, &all.next, &all.context, &all.dense});
  grow(rows, 3 * hidden, {&all.query_key_value});
  grow(rows, encoder_->config().intermediate_size, {&all.intermediate});
  grow(tap_rows, hidden, {&all.tap_dense, &all.tap_residual});
}

// The stage's GEMMs: what comes before residual and LayerNorm. x [rows_in, H] -> f [rows_in, H], of
// attention [rows_full and a row a [CLS] block, H].
at::Tensor Executor::Dense(const Stage& stage, const at::Tensor& x) {
  const EncoderLayer& layer = encoder_->layer(stage.layer);
  if (stage.place == Place::kFfn) {
    at::Tensor intermediate = workspace_.intermediate.narrow(0, 0, stage.rows_in);
    at::Tensor dense = workspace_.dense.narrow(0, 0, stage.rows_in);
    return layer.ffn_out(layer.ffn_in(x, intermediate), dense);
  }
  const auto cls_rows = static_cast<int64_t>(stage.cls_attention.size());
  const at::Tensor context = workspace_.context.narrow(0, 0, stage.rows_full + cls_rows);
  if (stage.rows_full > 0) {
    at::Tensor full = context.narrow(0, 0, stage.rows_full);
    at::Tensor projected = workspace_.query_key_value.narrow(0, 0, stage.rows_full);
    table_.attention(layer.query_key_value(x.narrow(0, 0, stage.rows_full), projected),
                     stage.attention, encoder_->config().heads, full);
  }
  if (cls_rows > 0) {
    at::Tensor cls = context.narrow(0, stage.rows_full, cls_rows);
    table_.cls_attention(encoder_->cls_projections(), x, stage.cls_attention, cls);
  }
  at::Tensor dense = workspace_.dense.narrow(0, 0, stage.rows_full + cls_rows);
  return layer.attention_dense(context, dense);
}

void Executor::LoadTaps(const Stage& stage, const TapTransfer& taps) {
  for (const TapLoad& load : stage.loads) {
    at::Tensor dense = workspace_.tap_dense.narrow(0, load.rows.first, load.rows.count);
    at::Tensor residual = workspace_.tap_residual.narrow(0, load.rows.first, load.rows.count);
    const TextTaps& found = taps.found[static_cast<size_t>(load.text)];
    ops::LoadTap(*found.taps[static_cast<size_t>(load.tap)], dense, residual);
  }
}

void Executor::KeepTaps(const Stage& stage, const at::Tensor& dense,
                        const TapTransfer& taps) const {
  if (taps.kept == nullptr) return;
  for (const TapStore& store : stage.stores) {
    const auto& [first, count] = store.rows;
    taps.kept->push_back({.text = store.text,
                          .tap = ops::MakeTap(store.tap, dense.narrow(0, first, count),
                                              state_.narrow(0, first, count), taps.precision)});
  }
}

// Residual, adapters and LayerNorm of every row, each written where the next stage wants it.
void Executor::Epilogue(const Stage& stage, const at::Tensor& dense,
                        absl::Span<const Adapter* const> adapters) {
  at::Tensor out = workspace_.next.narrow(0, 0, stage.rows_out);
  RunEpilogue(stage, {.dense = dense, .residual = state_, .segments = stage.epilogue}, adapters,
              out);
  RunEpilogue(stage,
              {.dense = workspace_.tap_dense,
               .residual = workspace_.tap_residual,
               .segments = stage.tap_epilogue},
              adapters, out);
  std::swap(workspace_.state, workspace_.next);
  state_ = workspace_.state.narrow(0, 0, stage.rows_out);
}

void Executor::RunEpilogue(const Stage& stage, const EpilogueInput& input,
                           absl::Span<const Adapter* const> adapters, at::Tensor& out) const {
  const EncoderLayer& layer = encoder_->layer(stage.layer);
  const size_t plain = PlainCount(input.segments);
  ops::OpTable::ResidualNormCall rows{
      .dense = input.dense,
      .residual = input.residual,
      .segments = input.segments.first(plain),
      .norm = stage.place == Place::kAttention ? layer.attention_norm : layer.ffn_norm,
      .epsilon = encoder_->config().layer_norm_eps};
  if (plain > 0) table_.residual_norm(rows, out);
  rows.segments = input.segments.subspan(plain);
  if (!rows.segments.empty()) {
    table_.adapter_norm(
        {.rows = rows, .adapters = adapters, .layer = stage.layer, .place = stage.place}, out);
  }
}

}  // namespace fathom
