#include <ATen/TensorOperators.h>
#include <ATen/ops/baddbmm.h>
#include <ATen/ops/bmm.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/softmax.h>

#include <cmath>

#include "runtime/pass/ops/reference_ops.h"

namespace fathom::ops {
namespace {

at::Tensor FirstRows(const at::Tensor& x, absl::Span<const Rows> blocks) {
  at::Tensor rows = at::empty({static_cast<int64_t>(blocks.size())}, at::kLong);
  int64_t* row = rows.mutable_data_ptr<int64_t>();
  for (const Rows& block : blocks) *row++ = block.first;
  return at::index_select(x, 0, rows.to(x.device()));
}

}  // namespace

void ReferenceClsAttention(const ClsProjections& weights, const at::Tensor& x,
                           absl::Span<const Rows> blocks, at::Tensor& context) {
  const auto count = static_cast<int64_t>(blocks.size());
  const int64_t heads = weights.key.size(0);
  const int64_t head_size = weights.key.size(1);
  const int64_t hidden = weights.key.size(2);
  // [blocks, H] -> [heads, blocks, head_size] -> absorbed [heads, blocks, H]
  const at::Tensor query =
      weights.query(FirstRows(x, blocks)).view({count, heads, head_size}).transpose(0, 1);
  at::Tensor absorbed = at::bmm(query, weights.key);
  absorbed *= 1 / std::sqrt(static_cast<double>(head_size));
  at::Tensor mixed = at::empty({count, heads, hidden}, x.options());
  for (int64_t i = 0; i < count; ++i) {
    const Rows& block = blocks[static_cast<size_t>(i)];
    const at::Tensor rows = x.narrow(0, block.first, block.count);
    const at::Tensor scores = at::mm(absorbed.select(1, i), rows.t());  // [heads, block rows]
    at::Tensor sum = mixed.select(0, i);
    at::mm_out(sum, at::softmax(scores, -1), rows);
  }
  const at::Tensor values =
      at::baddbmm(weights.value_bias, mixed.transpose(0, 1), weights.value.transpose(1, 2));
  context.copy_(values.transpose(0, 1).reshape({count, hidden}));
}

}  // namespace fathom::ops
