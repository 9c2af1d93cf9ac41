// The operations of a pass whose implementation depends on the device. A table is chosen once, when
// the engine is made; nothing above this folder asks what the device is.
//
// All tensors are contiguous fp32. R rows of the packed block, H hidden width. The functions check
// shapes (a wrong one is a broken invariant: c10::Error) and may be called from any thread.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "absl/types/span.h"
#include "runtime/model/encoder.h"
#include "runtime/pass/plan.h"
#include "runtime/task/adapter.h"
#include "runtime/text/text.h"

namespace fathom::ops {

// One head and the rows that it answers.
struct HeadRows {
  const Head* head;
  absl::Span<const int64_t> state_rows;  // of the last layer's state
  float* logits;                         // [state_rows, C], memory of the host
};

struct OpTable {
  const char* name;

  // out[r] = LN(word + position + segment) for the tokens of all texts in order; positions restart
  // at every text. out [R, H].
  void (*embed)(const Encoder& encoder, absl::Span<const TokenizedText* const> texts,
                at::Tensor& out);

  // query_key_value [R, 3H] -> context [R, H]: softmax(Q Kᵀ / sqrt(H / heads)) V inside each block.
  void (*attention)(const at::Tensor& query_key_value, absl::Span<const Rows> blocks, int heads,
                    at::Tensor& context);

  // For each block, the attention context of its first row over all of its rows. With q the row's
  // query, a head's scores are (W_Kᵀ q) · x_j, since the key bias shifts all of them alike, and its
  // context is W_V (Σ p_j x_j) + b_V, since the weights p_j sum to 1: neither keys nor values of
  // the other rows are computed. x [R, H] is the layer's input; context [blocks, H].
  void (*cls_attention)(const ClsProjections& weights, const at::Tensor& x,
                        absl::Span<const Rows> blocks, at::Tensor& context);

  // out[dst] = LN(dense[src] + residual[residual row]) for each segment. dense and residual [R, H];
  // out [rows_out, H].
  struct ResidualNormCall {
    const at::Tensor& dense;
    const at::Tensor& residual;
    absl::Span<const EpilogueSegment> segments;
    const LayerNormWeights& norm;
    double epsilon;
  };
  void (*residual_norm)(const ResidualNormCall& call, at::Tensor& out);

  // The same with adapters: out[dst] = LN(f + x + scaling · A(input)), where the segment's adapter
  // has a module at (layer, place).
  struct AdapterNormCall {
    const ResidualNormCall& rows;               // sorted by adapter
    absl::Span<const Adapter* const> adapters;  // by EpilogueSegment::adapter
    int layer;
    Place place;
  };
  void (*adapter_norm)(const AdapterNormCall& call, at::Tensor& out);

  // The logits of all heads of a pass. state [R, H] is the last layer's. REQUIRES a pooler in the
  // encoder where a head uses one (checked when the task is loaded).
  void (*heads)(absl::Span<const HeadRows> heads, const Encoder& encoder, const at::Tensor& state);
};

// The kernels of kernels/ for this CPU.
const OpTable& CpuOps();

// Plain ATen, right on any device that ATen knows; the oracle of every other table.
const OpTable& ReferenceOps();

}  // namespace fathom::ops
