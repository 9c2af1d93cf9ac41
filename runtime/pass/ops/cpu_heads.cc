#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <c10/util/Exception.h>

#include <algorithm>
#include <vector>

#include "kernels/kernels.h"
#include "runtime/pass/ops/cpu_checks.h"
#include "runtime/pass/ops/cpu_ops.h"

namespace fathom::ops {
namespace {

// What the layers of the heads read and write; grows, then is reused.
struct Workspace {
  std::vector<kernels::DenseSegment> segments;  // one a head that has the layer
  std::vector<float> states[2];                 // outputs of one layer and of the next
  std::vector<int64_t> pooled_rows;             // of the state, each once
  std::vector<int64_t> pooled_index;            // by row of a head with a pooler
  at::Tensor pooler_input;                      // [at least pooled_rows, H]
};

void CheckHead(const HeadRows& rows, const at::Tensor& state) {
  int64_t width = state.size(1);
  for (const HeadLayer& layer : rows.head->layers) {
    CheckMatrix(layer.weight, width, "a head's weight");
    width = layer.weight.size(0);
    if (layer.bias.defined()) CheckVector(layer.bias, width, "a head's bias");
  }
  for (const int64_t row : rows.state_rows) CheckRows(row, 1, state, "the last state");
}

// The pooler's output for all rows that a head with use_pooler reads: one product for all heads.
// Undefined if there is none.
at::Tensor Pool(absl::Span<const HeadRows> heads, const Encoder& encoder, const at::Tensor& state,
                Workspace& work) {
  work.pooled_rows.clear();
  for (const HeadRows& rows : heads) {
    if (!rows.head->use_pooler) continue;
    work.pooled_rows.insert(work.pooled_rows.end(), rows.state_rows.begin(), rows.state_rows.end());
  }
  if (work.pooled_rows.empty()) return {};
  TORCH_CHECK(encoder.pooler().has_value(), "a head reads the pooler; the encoder has none");
  std::sort(work.pooled_rows.begin(), work.pooled_rows.end());
  work.pooled_rows.erase(std::unique(work.pooled_rows.begin(), work.pooled_rows.end()),
                         work.pooled_rows.end());
  const auto count = static_cast<int64_t>(work.pooled_rows.size());
  at::Tensor& buffer = work.pooler_input;
  if (!buffer.defined() || buffer.size(0) < count || buffer.size(1) != state.size(1)) {
    buffer = at::empty({count + count / 2, state.size(1)}, state.options());
  }
  at::Tensor rows = buffer.narrow(0, 0, count);
  kernels::CpuKernels().gather_rows({.src = state.const_data_ptr<float>(),
                                     .rows = work.pooled_rows.data(),
                                     .count = count,
                                     .width = state.size(1),
                                     .dst = rows.mutable_data_ptr<float>()},
                                    at::get_num_threads());
  return (*encoder.pooler())(rows);
}

// Where the pooler's output has the rows of all heads that use it, in order.
void IndexPooledRows(absl::Span<const HeadRows> heads, Workspace& work) {
  work.pooled_index.clear();
  for (const HeadRows& rows : heads) {
    if (!rows.head->use_pooler) continue;
    for (const int64_t row : rows.state_rows) {
      const auto found = std::lower_bound(work.pooled_rows.begin(), work.pooled_rows.end(), row);
      work.pooled_index.push_back(found - work.pooled_rows.begin());
    }
  }
}

// Layer `depth` of every head that has one: reads what the segments wrote before.
void PrepareLayer(absl::Span<const HeadRows> heads, size_t depth, Workspace& work) {
  std::vector<float>& states = work.states[depth % 2];
  size_t size = 0;
  for (const HeadRows& rows : heads) {
    if (depth + 1 >= rows.head->layers.size()) continue;
    size += rows.state_rows.size() * static_cast<size_t>(rows.head->layers[depth].weight.size(0));
  }
  if (states.size() < size) states.resize(size);
  float* next = states.data();
  for (size_t i = 0; i < heads.size(); ++i) {
    kernels::DenseSegment& segment = work.segments[i];
    const std::vector<HeadLayer>& layers = heads[i].head->layers;
    if (depth >= layers.size()) {
      segment.count = 0;  // its logits are written
      continue;
    }
    if (depth > 0) {
      segment.x = segment.y;
      segment.x_stride = segment.y_stride;
      segment.rows = nullptr;
    }
    const HeadLayer& layer = layers[depth];
    const bool last = depth + 1 == layers.size();
    segment.weight = layer.weight.const_data_ptr<float>();
    segment.bias = layer.bias.defined() ? layer.bias.const_data_ptr<float>() : nullptr;
    segment.in = layer.weight.size(1);
    segment.out = layer.weight.size(0);
    segment.activation = ToKernel(last ? Activation::kIdentity : heads[i].head->activation);
    segment.y = last ? heads[i].logits : next;
    segment.y_stride = segment.out;
    if (!last) next += segment.count * segment.out;
  }
}

}  // namespace

void CpuHeads(absl::Span<const HeadRows> heads, const Encoder& encoder, const at::Tensor& state) {
  CheckMatrix(state, encoder.config().hidden_size, "the last state");
  for (const HeadRows& rows : heads) CheckHead(rows, state);
  thread_local Workspace work;
  const at::Tensor pooled = Pool(heads, encoder, state, work);
  IndexPooledRows(heads, work);
  work.segments.clear();
  const int64_t* pooled_index = work.pooled_index.data();
  size_t depths = 0;
  for (const HeadRows& rows : heads) {
    depths = std::max(depths, rows.head->layers.size());
    const bool pools = rows.head->use_pooler;
    const auto count = static_cast<int64_t>(rows.state_rows.size());
    work.segments.push_back({.x = (pools ? pooled : state).const_data_ptr<float>(),
                             .x_stride = state.size(1),
                             .rows = pools ? pooled_index : rows.state_rows.data(),
                             .count = count});
    if (pools) pooled_index += count;
  }
  for (size_t depth = 0; depth < depths; ++depth) {
    PrepareLayer(heads, depth, work);
    kernels::CpuKernels().segmented_dense(
        {work.segments.data(), static_cast<int64_t>(work.segments.size())}, at::get_num_threads());
  }
}

}  // namespace fathom::ops
