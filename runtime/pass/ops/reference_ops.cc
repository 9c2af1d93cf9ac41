#include <ATen/TensorOperators.h>
#include <ATen/ops/layer_norm.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/softmax.h>

#include <cmath>

#include "runtime/pass/ops/op_table.h"

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

void ResidualNorm(const OpTable::ResidualNormCall& call, at::Tensor& out) {
  for (const EpilogueSegment& segment : call.segments) {
    at::Tensor sum = call.dense.narrow(0, segment.src_first, segment.count) +
                     call.residual.narrow(0, segment.residual_first, segment.count);
    if (call.delta.defined()) sum += call.delta.narrow(0, segment.dst_first, segment.count);
    out.narrow(0, segment.dst_first, segment.count)
        .copy_(at::layer_norm(sum, {out.size(1)}, call.norm.gamma, call.norm.beta, call.epsilon));
  }
}

}  // namespace

const OpTable& ReferenceOps() {
  static constexpr OpTable table = {"reference", Attention, ResidualNorm};
  return table;
}

}  // namespace fathom::ops
