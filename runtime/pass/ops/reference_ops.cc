#include "runtime/pass/ops/reference_ops.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/layer_norm.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/sum.h>
#include <ATen/ops/tensor.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "runtime/pass/ops/activation.h"
#include "runtime/pass/ops/apply_head.h"

namespace fathom::ops {
namespace {

void Attention(const at::Tensor& query_key_value, absl::Span<const Rows> blocks, int heads,
               at::Tensor& context) {
  const int64_t hidden = context.size(1);
  const int64_t head_size = hidden / heads;
  for (const Rows& block : blocks) {
    // [block rows, 3H] -> 3 x [heads, block rows, head_size]
    const at::Tensor split = query_key_value.narrow(0, block.first, block.count)
                                 .view({block.count, 3, heads, head_size})
                                 .permute({1, 2, 0, 3});
    const at::Tensor scores =
        at::matmul(split[0], split[1].transpose(1, 2)) / std::sqrt(static_cast<double>(head_size));
    const at::Tensor mixed = at::matmul(at::softmax(scores, -1), split[2]);
    context.narrow(0, block.first, block.count)
        .copy_(mixed.transpose(0, 1).reshape({block.count, hidden}));
  }
}

struct SegmentInputs {
  at::Tensor dense;     // f
  at::Tensor residual;  // x
};

SegmentInputs InputsOf(const OpTable::ResidualNormCall& call, const EpilogueSegment& segment) {
  return {call.dense.narrow(0, segment.src_first, segment.count),
          call.residual.narrow(0, segment.residual_first, segment.count)};
}

at::Tensor Normalized(const OpTable::ResidualNormCall& call, const at::Tensor& sum) {
  return at::layer_norm(sum, {sum.size(1)}, call.norm.gamma, call.norm.beta, call.epsilon);
}

void ResidualNorm(const OpTable::ResidualNormCall& call, at::Tensor& out) {
  for (const EpilogueSegment& segment : call.segments) {
    const auto [dense, residual] = InputsOf(call, segment);
    out.narrow(0, segment.dst_first, segment.count).copy_(Normalized(call, dense + residual));
  }
}

at::Tensor Bottleneck(const AdapterSite& site, const AdapterModule& module,
                      const at::Tensor& input) {
  const at::Tensor hidden =
      Activate(at::linear(input, module.down_weight, module.down_bias), site.activation);
  return at::linear(hidden, module.up_weight, module.up_bias) * site.scaling;
}

// The fused output, see FusionModule.
at::Tensor FusedOutput(const FusionModule& fusion, const at::Tensor& input) {
  int64_t width = 0;
  for (const FusionModule::Member& member : fusion.members) width += member.width;
  const auto count = static_cast<int64_t>(fusion.members.size());
  const at::Tensor read = at::linear(input, fusion.read_weight, fusion.read_bias);
  std::vector<at::Tensor> hidden;
  std::vector<at::Tensor> scores;
  int64_t first = 0;
  for (const FusionModule::Member& member : fusion.members) {
    hidden.push_back(Activate(read.narrow(1, first, member.width), member.activation));
    scores.push_back((read.narrow(1, width + first, member.width) * hidden.back()).sum(1, true));
    first += member.width;
  }
  const at::Tensor weights = at::softmax(at::cat(scores, 1) + read.narrow(1, 2 * width, count), 1);
  for (int64_t j = 0; j < count; ++j) {
    at::Tensor& values = hidden[static_cast<size_t>(j)];
    values = values * weights.narrow(1, j, 1);
  }
  hidden.push_back(weights);
  return at::matmul(at::cat(hidden, 1), fusion.write_weight.t());
}

void AdapterNorm(const OpTable::AdapterNormCall& call, at::Tensor& out) {
  for (const EpilogueSegment& segment : call.rows.segments) {
    const auto [dense, residual] = InputsOf(call.rows, segment);
    const Adapter& adapter = *call.adapters[static_cast<size_t>(segment.adapter)];
    const AdapterSite& site = *adapter.layout.site(call.place);
    const at::Tensor sum = dense + residual;
    const at::Tensor input = site.input == AdapterInput::kDense      ? dense
                             : site.input == AdapterInput::kResidual ? residual
                                                                     : Normalized(call.rows, sum);
    const at::Tensor delta = adapter.is_fusion()
                                 ? FusedOutput(adapter.fusion(call.layer, call.place), input)
                                 : Bottleneck(site, adapter.module(call.layer, call.place), input);
    out.narrow(0, segment.dst_first, segment.count).copy_(Normalized(call.rows, sum + delta));
  }
}

void Heads(absl::Span<const HeadRows> heads, const Encoder& encoder, const at::Tensor& state) {
  for (const HeadRows& rows : heads) {
    const at::Tensor index =
        at::tensor(at::IntArrayRef(rows.state_rows.data(), rows.state_rows.size()));
    const at::Tensor cls = at::index_select(state, 0, index.to(state.device()));
    const at::Tensor logits = ApplyHead(*rows.head, encoder, cls).cpu().contiguous();
    std::copy_n(logits.const_data_ptr<float>(), logits.numel(), rows.logits);
  }
}

}  // namespace

const OpTable& ReferenceOps() {
  static constexpr OpTable table = {.name = "reference",
                                    .embed = ReferenceEmbed,
                                    .attention = Attention,
                                    .cls_attention = ReferenceClsAttention,
                                    .residual_norm = ResidualNorm,
                                    .adapter_norm = AdapterNorm,
                                    .heads = Heads};
  return table;
}

}  // namespace fathom::ops
