#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <c10/util/Exception.h>

#include <vector>

#include "kernels/kernels.h"
#include "runtime/pass/ops/cpu_checks.h"
#include "runtime/pass/ops/cpu_ops.h"

namespace fathom::ops {
namespace {

// Grows, then is reused.
struct Workspace {
  std::vector<int64_t> first_rows;
  std::vector<kernels::AttentionSegment> segments;
  at::Tensor first;  // [at least the blocks, H]: what the query is projected from
  std::vector<float> absorbed_and_mixed;
};

void CheckProjections(const ClsProjections& weights, int64_t hidden) {
  const int64_t heads = weights.key.size(0);
  TORCH_CHECK(heads > 0 && hidden % heads == 0, heads, " heads do not divide the width ", hidden);
  for (const at::Tensor* weight : {&weights.key, &weights.value}) {
    CheckMatrix(weight->view({-1, hidden}), hidden, "a head's weight");
    TORCH_CHECK(weight->numel() == hidden * hidden, "the weights of all heads are ",
                weight->sizes(), " for the width ", hidden);
  }
  CheckVector(weights.value_bias.view(-1), hidden, "value_bias");
}

// The first row of each block, one after another.
at::Tensor FirstRows(const at::Tensor& x, absl::Span<const Rows> blocks, Workspace& work) {
  const auto count = static_cast<int64_t>(blocks.size());
  const int64_t hidden = x.size(1);
  work.first_rows.clear();
  work.segments.clear();
  for (const Rows& block : blocks) {
    CheckRows(block.first, block.count, x, "x");
    work.first_rows.push_back(block.first);
    work.segments.push_back({block.first, block.count});
  }
  if (!work.first.defined() || work.first.size(0) < count || work.first.size(1) != hidden) {
    work.first = at::empty({count + count / 2, hidden}, x.options());
  }
  at::Tensor first = work.first.narrow(0, 0, count);
  kernels::CpuKernels().gather_rows({.src = x.const_data_ptr<float>(),
                                     .rows = work.first_rows.data(),
                                     .count = count,
                                     .width = hidden,
                                     .dst = first.mutable_data_ptr<float>()},
                                    at::get_num_threads());
  return first;
}

}  // namespace

void CpuClsAttention(const ClsProjections& weights, const at::Tensor& x,
                     absl::Span<const Rows> blocks, at::Tensor& context) {
  const int64_t hidden = x.size(1);
  const auto count = static_cast<int64_t>(blocks.size());
  CheckMatrix(x, hidden, "x");
  CheckMatrix(context, hidden, "context");
  CheckRows(0, count, context, "context");
  CheckProjections(weights, hidden);
  thread_local Workspace work;
  const at::Tensor query = weights.query(FirstRows(x, blocks, work));
  CheckMatrix(query, hidden, "query");
  const int64_t heads = weights.key.size(0);
  const auto size = static_cast<size_t>(2 * count * heads * hidden);
  if (work.absorbed_and_mixed.size() < size) work.absorbed_and_mixed.resize(size);
  kernels::CpuKernels().cls_attention({.query = query.const_data_ptr<float>(),
                                       .x = x.const_data_ptr<float>(),
                                       .segments = work.segments.data(),
                                       .segment_count = count,
                                       .heads = heads,
                                       .head_size = hidden / heads,
                                       .key = weights.key.const_data_ptr<float>(),
                                       .value = weights.value.const_data_ptr<float>(),
                                       .value_bias = weights.value_bias.const_data_ptr<float>(),
                                       .context = context.mutable_data_ptr<float>(),
                                       .workspace = work.absorbed_and_mixed.data()},
                                      at::get_num_threads());
}

}  // namespace fathom::ops
