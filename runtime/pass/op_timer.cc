#include "runtime/pass/op_timer.h"

#include <ATen/ops/full.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

namespace fathom {
namespace {

constexpr double kSmall = 0.01;  // an ordinary weight

std::vector<Rows> Blocks(int64_t count, int64_t tokens) {
  std::vector<Rows> blocks;
  for (int64_t i = 0; i < count; ++i) {
    blocks.push_back({static_cast<int32_t>(i * tokens), static_cast<int32_t>(tokens)});
  }
  return blocks;
}

at::Tensor Rows512(int64_t width) { return at::full({OpTimer::kMaxRows, width}, 0.5); }

}  // namespace

std::vector<StandInTask> MakeStandInTasks(const EncoderConfig& config, int count) {
  const int64_t hidden = config.hidden_size;
  std::vector<StandInTask> tasks;
  for (int i = 0; i < count; ++i) {
    StandInTask task;
    const auto place = static_cast<size_t>(Place::kFfn);
    task.adapter.layout.sites[place] = AdapterSite{};
    task.adapter.layout.left_out.resize(static_cast<size_t>(config.layers), false);
    task.adapter.modules.resize(static_cast<size_t>(config.layers));
    for (auto& places : task.adapter.modules) {
      places[place] = AdapterModule{.down_weight = at::full({kStandInWidth, hidden}, kSmall),
                                    .down_bias = at::full({kStandInWidth}, kSmall),
                                    .up_weight = at::full({hidden, kStandInWidth}, kSmall),
                                    .up_bias = at::full({hidden}, kSmall)};
    }
    for (const int64_t out : {hidden, int64_t{2}}) {
      task.head.layers.push_back(
          {.weight = at::full({out, hidden}, kSmall), .bias = at::full({out}, kSmall)});
    }
    tasks.push_back(std::move(task));
  }
  return tasks;
}

TokenizedText MakeStandInText(int tokens) {
  const auto count = static_cast<size_t>(tokens);
  return {.ids = std::vector<int32_t>(count, 0),
          .segment_ids = std::vector<int32_t>(count, 0),
          .full_tokens = tokens};
}

OpTimer::OpTimer(std::shared_ptr<const Encoder> encoder)
    : encoder_(std::move(encoder)),
      table_(ops::CpuOps()),
      tasks_(MakeStandInTasks(encoder_->config(), kTasks)) {
  for (const StandInTask& task : tasks_) adapters_.push_back(&task.adapter);
  const int64_t hidden = encoder_->config().hidden_size;
  state_ = Rows512(hidden);
  dense_ = Rows512(hidden);
  context_ = Rows512(hidden);
  projected_ = Rows512(3 * hidden);
}

template <typename Work>
void OpTimer::Sample(const std::string& name, int64_t size, const Work& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - start;
  samples_[{name, size}].push_back(took.count());
}

double OpTimer::Ms(const std::string& name, int64_t size) const {
  std::vector<double> samples = samples_.at({name, size});
  const auto quartile = samples.begin() + static_cast<std::ptrdiff_t>((samples.size() - 1) / 4);
  std::nth_element(samples.begin(), quartile, samples.end());
  return *quartile;
}

ops::OpTable::ResidualNormCall OpTimer::NormCall(const LayerNormWeights& norm,
                                                 absl::Span<const EpilogueSegment> segments) const {
  return {.dense = dense_,
          .residual = state_,
          .segments = segments,
          .norm = norm,
          .epsilon = encoder_->config().layer_norm_eps};
}

void OpTimer::TimeLayer(int layer, int64_t rows) {
  const EncoderLayer& weights = encoder_->layer(layer);
  const at::Tensor x = state_.narrow(0, 0, rows);
  const EpilogueSegment all{.count = static_cast<int32_t>(rows)};
  Sample("query_key_value", rows, [&] { weights.query_key_value(x); });
  Sample("attention_dense", rows, [&] { weights.attention_dense(x); });
  Sample("epilogue", rows, [&] {
    table_.residual_norm(NormCall(weights.attention_norm, {&all, 1}), context_);
  });
  Sample("ffn", rows, [&] { weights.ffn_out(weights.ffn_in(x)); });
}

void OpTimer::TimeOthers(int layer) {
  for (const auto& [blocks, tokens] : {std::pair{1, 16}, {8, 32}, {1, 256}}) {
    TimeAttention(blocks, tokens);
  }
  for (const int adapters : {0, 1, kTasks}) TimeAdapters(layer, adapters);
  for (const auto& [blocks, tokens] : {std::pair{1, 32}, {8, 32}, {1, 256}}) {
    TimeClsAttention(blocks, tokens);
  }
  for (const int tokens : {16, 32})
    TimeEmbedding(std::min(tokens, encoder_->config().max_positions));

  std::vector<ops::HeadRows> heads;
  const int64_t row = 0;
  std::vector<std::array<float, 2>> logits(kTasks);
  for (size_t i = 0; i < logits.size(); ++i) {
    heads.push_back({&tasks_[i].head, {&row, 1}, logits[i].data()});
  }
  Sample("heads", kTasks, [&] { table_.heads(heads, *encoder_, state_); });
}

void OpTimer::TimeAttention(int64_t blocks, int64_t tokens) {
  const int64_t rows = blocks * tokens;
  at::Tensor context = context_.narrow(0, 0, rows);
  const std::vector<Rows> list = Blocks(blocks, tokens);
  Sample("attention", rows * tokens, [&] {
    table_.attention(projected_.narrow(0, 0, rows), list, encoder_->config().heads, context);
  });
}

void OpTimer::TimeClsAttention(int64_t blocks, int64_t tokens) {
  at::Tensor context = context_.narrow(0, 0, blocks);
  const std::vector<Rows> list = Blocks(blocks, tokens);
  Sample("cls", blocks * 1000 + tokens,
         [&] { table_.cls_attention(encoder_->cls_projections(), state_, list, context); });
}

// 256 rows, shared by so many adapters.
void OpTimer::TimeAdapters(int layer, int adapters) {
  constexpr int32_t kRows = 256;
  const int32_t parts = std::max(adapters, 1);
  std::vector<EpilogueSegment> segments;
  for (int32_t i = 0; i < parts; ++i) {
    const int32_t first = i * (kRows / parts);
    segments.push_back({.src_first = first,
                        .residual_first = first,
                        .dst_first = first,
                        .count = kRows / parts,
                        .adapter = adapters == 0 ? PlanTask::kNoAdapter : i});
  }
  const auto rows = NormCall(encoder_->layer(layer).ffn_norm, segments);
  Sample("adapters", adapters, [&] {
    if (adapters == 0) {
      table_.residual_norm(rows, context_);
    } else {
      table_.adapter_norm(
          {.rows = rows, .adapters = adapters_, .layer = layer, .place = Place::kFfn}, context_);
    }
  });
}

void OpTimer::TimeEmbedding(int tokens) {
  const TokenizedText text = MakeStandInText(tokens);
  const TokenizedText* pointer = &text;
  at::Tensor out = context_.narrow(0, 0, tokens);
  Sample("embedding", tokens, [&] { table_.embed(*encoder_, {&pointer, 1}, out); });
}

}  // namespace fathom
