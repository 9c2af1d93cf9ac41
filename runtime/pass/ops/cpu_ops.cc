#include "runtime/pass/ops/cpu_ops.h"

#include <ATen/Parallel.h>
#include <c10/util/Exception.h>

#include <vector>

#include "kernels/kernels.h"
#include "runtime/pass/ops/cpu_bottleneck.h"
#include "runtime/pass/ops/cpu_checks.h"

namespace fathom::ops {
namespace {

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

void CheckInputs(const OpTable::ResidualNormCall& call, const at::Tensor& out) {
  const int64_t hidden = out.size(1);
  CheckMatrix(call.dense, hidden, "dense");
  CheckMatrix(call.residual, hidden, "residual");
  CheckMatrix(out, hidden, "out");
  CheckVector(call.norm.gamma, hidden, "gamma");
  CheckVector(call.norm.beta, hidden, "beta");
}

kernels::RowCopy CheckedRows(const OpTable::ResidualNormCall& call, const EpilogueSegment& segment,
                             const at::Tensor& out) {
  CheckRows(segment.src_first, segment.count, call.dense, "dense");
  CheckRows(segment.residual_first, segment.count, call.residual, "residual");
  CheckRows(segment.dst_first, segment.count, out, "out");
  return {segment.src_first, segment.residual_first, segment.dst_first, segment.count};
}

void ResidualNorm(const OpTable::ResidualNormCall& call, at::Tensor& out) {
  CheckInputs(call, out);
  thread_local std::vector<kernels::RowCopy> segments;  // grows, then is reused
  segments.clear();
  for (const EpilogueSegment& segment : call.segments) {
    segments.push_back(CheckedRows(call, segment, out));
  }
  kernels::CpuKernels().residual_layer_norm({.dense = call.dense.const_data_ptr<float>(),
                                             .residual = call.residual.const_data_ptr<float>(),
                                             .out = out.mutable_data_ptr<float>(),
                                             .segments = segments.data(),
                                             .segment_count = static_cast<int64_t>(segments.size()),
                                             .hidden_size = out.size(1),
                                             .gamma = call.norm.gamma.const_data_ptr<float>(),
                                             .beta = call.norm.beta.const_data_ptr<float>(),
                                             .epsilon = static_cast<float>(call.epsilon)},
                                            at::get_num_threads());
}

const Adapter& AdapterOf(const OpTable::AdapterNormCall& call, const EpilogueSegment& segment) {
  const auto index = static_cast<size_t>(segment.adapter);
  TORCH_CHECK(index < call.adapters.size(), "adapter ", segment.adapter, " of a pass with ",
              call.adapters.size());
  return *call.adapters[index];
}

void AdapterNorm(const OpTable::AdapterNormCall& call, at::Tensor& out) {
  const OpTable::ResidualNormCall& rows = call.rows;
  CheckInputs(rows, out);
  thread_local std::vector<kernels::Bottleneck> bottlenecks;  // grow, then are reused
  thread_local std::vector<kernels::FusedMember> members;
  thread_local std::vector<kernels::AdapterSegment> segments;
  size_t member_count = 0;
  for (const EpilogueSegment& segment : rows.segments) {
    member_count += FusedMemberCount(AdapterOf(call, segment), call.layer, call.place);
  }
  bottlenecks.clear();
  bottlenecks.reserve(rows.segments.size());  // segments point into it
  members.clear();
  members.reserve(member_count);  // bottlenecks point into it
  segments.clear();
  int32_t adapter_index = PlanTask::kNoAdapter;  // of the last bottleneck
  for (const EpilogueSegment& segment : rows.segments) {
    if (segment.adapter != adapter_index) {
      adapter_index = segment.adapter;
      bottlenecks.push_back(CheckedBottleneck(AdapterOf(call, segment), call.layer, call.place,
                                              out.size(1), members));
    }
    segments.push_back({CheckedRows(rows, segment, out), &bottlenecks.back()});
  }
  kernels::CpuKernels().adapter_layer_norm({.dense = rows.dense.const_data_ptr<float>(),
                                            .residual = rows.residual.const_data_ptr<float>(),
                                            .out = out.mutable_data_ptr<float>(),
                                            .segments = segments.data(),
                                            .segment_count = static_cast<int64_t>(segments.size()),
                                            .hidden_size = out.size(1),
                                            .gamma = rows.norm.gamma.const_data_ptr<float>(),
                                            .beta = rows.norm.beta.const_data_ptr<float>(),
                                            .epsilon = static_cast<float>(rows.epsilon)},
                                           at::get_num_threads());
}

}  // namespace

const OpTable& CpuOps() {
  static constexpr OpTable table = {.name = "cpu",
                                    .embed = CpuEmbed,
                                    .attention = Attention,
                                    .cls_attention = CpuClsAttention,
                                    .residual_norm = ResidualNorm,
                                    .adapter_norm = AdapterNorm,
                                    .heads = CpuHeads};
  return table;
}

}  // namespace fathom::ops
