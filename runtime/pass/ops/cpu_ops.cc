// The bridge to kernels/: every shape that a kernel takes on trust is checked here.
#include <ATen/Parallel.h>
#include <c10/util/Exception.h>

#include <vector>

#include "kernels/kernels.h"
#include "runtime/pass/ops/op_table.h"

namespace fathom::ops {
namespace {

void CheckMatrix(const at::Tensor& tensor, int64_t columns, const char* name) {
  TORCH_CHECK(tensor.dim() == 2 && tensor.size(1) == columns && tensor.is_contiguous() &&
                  tensor.scalar_type() == at::kFloat && tensor.device().is_cpu(),
              name, " must be a contiguous fp32 CPU matrix with ", columns, " columns, not ",
              tensor.toString(), tensor.sizes());
}

void CheckRows(int64_t first, int64_t count, const at::Tensor& tensor, const char* name) {
  TORCH_CHECK(first >= 0 && count >= 0 && first + count <= tensor.size(0), "rows ", first, " + ",
              count, " are outside of ", name, " with ", tensor.size(0), " rows");
}

void Attention(const at::Tensor& query_key_value, absl::Span<const Rows> blocks, int heads,
               at::Tensor& context) {
  const int64_t hidden = context.size(1);
  TORCH_CHECK(heads > 0 && hidden % heads == 0, heads, " heads do not divide the width ", hidden);
  CheckMatrix(query_key_value, 3 * hidden, "query_key_value");
  CheckMatrix(context, hidden, "context");
  thread_local std::vector<kernels::AttentionSegment> segments;  // grows, then is reused
  segments.clear();
  for (const Rows& block : blocks) {
    CheckRows(block.first, block.count, query_key_value, "query_key_value");
    CheckRows(block.first, block.count, context, "context");
    segments.push_back({block.first, block.count});
  }
  kernels::CpuKernels().ragged_attention(
      {.query_key_value = query_key_value.const_data_ptr<float>(),
       .context = context.mutable_data_ptr<float>(),
       .segments = segments.data(),
       .segment_count = static_cast<int64_t>(segments.size()),
       .heads = heads,
       .head_size = hidden / heads},
      at::get_num_threads());
}

void ResidualNorm(const OpTable::ResidualNormCall& call, at::Tensor& out) {
  const int64_t hidden = out.size(1);
  CheckMatrix(call.dense, hidden, "dense");
  CheckMatrix(call.residual, hidden, "residual");
  CheckMatrix(out, hidden, "out");
  if (call.delta.defined()) CheckMatrix(call.delta, hidden, "delta");
  TORCH_CHECK(call.norm.gamma.numel() == hidden && call.norm.beta.numel() == hidden,
              "the LayerNorm has ", call.norm.gamma.numel(), " weights, the rows ", hidden);
  thread_local std::vector<kernels::RowCopy> segments;  // grows, then is reused
  segments.clear();
  for (const EpilogueSegment& segment : call.segments) {
    CheckRows(segment.src_first, segment.count, call.dense, "dense");
    CheckRows(segment.residual_first, segment.count, call.residual, "residual");
    CheckRows(segment.dst_first, segment.count, out, "out");
    if (call.delta.defined()) CheckRows(segment.dst_first, segment.count, call.delta, "delta");
    segments.push_back(
        {segment.src_first, segment.residual_first, segment.dst_first, segment.count});
  }
  kernels::CpuKernels().residual_layer_norm(
      {.dense = call.dense.const_data_ptr<float>(),
       .residual = call.residual.const_data_ptr<float>(),
       .delta = call.delta.defined() ? call.delta.const_data_ptr<float>() : nullptr,
       .out = out.mutable_data_ptr<float>(),
       .segments = segments.data(),
       .segment_count = static_cast<int64_t>(segments.size()),
       .hidden_size = hidden,
       .gamma = call.norm.gamma.const_data_ptr<float>(),
       .beta = call.norm.beta.const_data_ptr<float>(),
       .epsilon = static_cast<float>(call.epsilon)},
      at::get_num_threads());
}

}  // namespace

const OpTable& CpuOps() {
  static constexpr OpTable table = {"cpu", Attention, ResidualNorm};
  return table;
}

}  // namespace fathom::ops
