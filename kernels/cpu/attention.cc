#include "kernels/cpu/attention.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstring>

#include "kernels/cpu/attention_items.h"
#include "kernels/cpu/scratch.h"
#include "kernels/cpu/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/attention.cc"
#include <hwy/foreach_target.h>
// After foreach_target.h.
#include <hwy/highway.h>

#include "kernels/cpu/exp2-inl.h"
#include "kernels/cpu/matrix_tile-inl.h"
#include "kernels/cpu/transpose-inl.h"

HWY_BEFORE_NAMESPACE();
namespace fathom::kernels::HWY_NAMESPACE {

// One head of one text, and where its working memory lies.
struct Head {
  const float* query;  // rows of `stride` floats
  const float* key;
  const float* value;
  size_t stride;   // 3H
  float* context;  // rows of context_stride floats
  size_t context_stride;
  size_t size;         // head_size
  size_t padded_size;  // in whole vectors
  size_t tokens;
  float* query_columns;  // [size, block]
  float* weights;        // [tokens, block]: scores, then the weights of softmax
  float* padded_values;  // [tokens, padded_size]
  float* inverse_sums;   // [block]
};

// Puts rows of scores, one query a lane, into Head::weights.
struct ScoreSink {
  float* weights;
  size_t stride;
  HWY_INLINE void operator()(size_t key, size_t vector, FloatVec sums) const {
    const FloatTag d;
    hn::Store(sums, d, weights + key * stride + vector * hn::Lanes(d));
  }
};

// Divides by the sum of the query's weights and cuts off the padding.
struct ContextSink {
  float* context;  // at the first column of the panel
  size_t stride;
  size_t columns;  // left in the panel
  const float* inverse_sums;
  HWY_INLINE void operator()(size_t query, size_t vector, FloatVec sums) const {
    const FloatTag d;
    const size_t first = vector * hn::Lanes(d);
    float* to = context + query * stride + first;
    const FloatVec result = hn::Mul(sums, hn::Set(d, inverse_sums[query]));
    if (first + hn::Lanes(d) <= columns) {
      hn::StoreU(result, d, to);
    } else {
      HWY_ALIGN float lanes[hn::MaxLanes(d)];
      hn::Store(result, d, lanes);
      std::memcpy(to, lanes, (columns - first) * sizeof(float));
    }
  }
};

// head.query_columns = the first `count` queries, transposed. Lanes behind them repeat the last
// one: they are computed and not written.
template <size_t kVectors>
HWY_INLINE void TransposeQueries(const Head& head, size_t count) {
  const size_t block = kVectors * hn::Lanes(FloatTag());
  const float* rows[kTileVectors * hn::MaxLanes(FloatTag())];
  for (size_t i = 0; i < block; ++i) {
    rows[i] = head.query + std::min(i, count - 1) * head.stride;
  }
  LoadColumns<kVectors>(rows, head.size, head.query_columns);
}

// Rows of values without the other heads between them, padded with zeros: they are read once for
// every few queries, and rows 3H floats apart would share few cache sets.
HWY_INLINE void PackValues(const Head& head) {
  const FloatTag d;
  const size_t lanes = hn::Lanes(d);
  for (size_t token = 0; token < head.tokens; ++token) {
    const float* from = head.value + token * head.stride;
    float* to = head.padded_values + token * head.padded_size;
    size_t i = 0;
    for (; i + lanes <= head.size; i += lanes) hn::Store(hn::LoadU(d, from + i), d, to + i);
    if (i < head.size) {
      hn::Store(hn::Zero(d), d, to + i);
      std::memcpy(to + i, from + i, (head.size - i) * sizeof(float));
    }
  }
}

// head.weights: scores -> exp((score - largest) / sqrt(head_size)), and the inverse of their sum, a
// query a lane. Max may pass over a NaN score; its weight is NaN all the same, and so is the sum.
template <size_t kVectors>
HWY_INLINE void Softmax(const Head& head) {
  const FloatTag d;
  const size_t lanes = hn::Lanes(d);
  const size_t block = kVectors * lanes;
  constexpr float kLog2OfE = 1.44269504f;
  const FloatVec scale = hn::Set(d, kLog2OfE / std::sqrt(static_cast<float>(head.size)));
  FloatVec largest[kVectors];
  FloatVec sums[kVectors];
  HWY_UNROLL(4)
  for (size_t v = 0; v < kVectors; ++v) {
    largest[v] = hn::Load(d, head.weights + v * lanes);
    sums[v] = hn::Zero(d);
  }
  for (size_t token = 1; token < head.tokens; ++token) {
    const float* scores = head.weights + token * block;
    HWY_UNROLL(4)
    for (size_t v = 0; v < kVectors; ++v) {
      largest[v] = hn::Max(largest[v], hn::Load(d, scores + v * lanes));
    }
  }
  for (size_t token = 0; token < head.tokens; ++token) {
    float* weights = head.weights + token * block;
    HWY_UNROLL(4)
    for (size_t v = 0; v < kVectors; ++v) {
      const FloatVec score = hn::Load(d, weights + v * lanes);
      const FloatVec weight = Exp2OfNegative(d, hn::Mul(hn::Sub(score, largest[v]), scale));
      sums[v] = hn::Add(sums[v], weight);
      hn::Store(weight, d, weights + v * lanes);
    }
  }
  HWY_UNROLL(4)
  for (size_t v = 0; v < kVectors; ++v) {
    hn::Store(hn::Div(hn::Set(d, 1.0f), sums[v]), d, head.inverse_sums + v * lanes);
  }
}

// The context of the first `count` queries; at most kVectors vectors of them.
template <size_t kVectors>
HWY_NOINLINE void AttendBlock(const Head& head, size_t count) {
  const FloatTag d;
  const size_t block = kVectors * hn::Lanes(d);
  TransposeQueries<kVectors>(head, count);
  MultiplyRows<kVectors>(head.tokens, RowMajor{head.key, head.stride},
                         RightFactor{head.query_columns, block, head.size},
                         ScoreSink{head.weights, block});
  Softmax<kVectors>(head);

  const ColumnMajor weights{head.weights, block};
  const size_t panel = kTileVectors * hn::Lanes(d);
  for (size_t column = 0; column < head.size; column += panel) {
    const RightFactor values{head.padded_values + column, head.padded_size, head.tokens};
    const ContextSink sink{head.context + column, head.context_stride, head.size - column,
                           head.inverse_sums};
    if (column + panel <= head.padded_size) {
      MultiplyRows<kTileVectors>(count, weights, values, sink);
    } else {
      MultiplyRows<1>(count, weights, values, sink);
    }
  }
}

void AttendItem(const RaggedAttention& call, const AttentionItem& item) {
  const FloatTag d;
  const size_t lanes = hn::Lanes(d);
  const size_t block = kTileVectors * lanes;
  const int64_t hidden = call.heads * call.head_size;
  const float* first_token =
      call.query_key_value + item.segment.first * 3 * hidden + item.head * call.head_size;
  const int64_t first_row = item.segment.first + item.first_query;

  Head head;
  head.stride = static_cast<size_t>(3 * hidden);
  head.query = first_token + item.first_query * 3 * hidden;
  head.key = first_token + hidden;
  head.value = first_token + 2 * hidden;
  head.context_stride = static_cast<size_t>(hidden);
  head.context = call.context + first_row * hidden + item.head * call.head_size;
  head.size = static_cast<size_t>(call.head_size);
  head.padded_size = (head.size + lanes - 1) / lanes * lanes;
  head.tokens = static_cast<size_t>(item.segment.count);
  head.query_columns =
      ThreadScratch((head.size + head.tokens + 1) * block + head.tokens * head.padded_size);
  head.weights = head.query_columns + head.size * block;
  head.inverse_sums = head.weights + head.tokens * block;
  head.padded_values = head.inverse_sums + block;

  PackValues(head);
  size_t left = static_cast<size_t>(item.query_count);
  while (left > 0) {
    const size_t count = std::min(left, block);
    if (count > lanes) {
      AttendBlock<kTileVectors>(head, count);
    } else {
      AttendBlock<1>(head, count);
    }
    head.query += count * head.stride;
    head.context += count * head.context_stride;
    left -= count;
  }
}

}  // namespace fathom::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fathom::kernels {
namespace {

HWY_EXPORT(AttendItem);

}  // namespace

void CpuRaggedAttention(const RaggedAttention& call, int threads) {
  const int useful_threads = UsefulThreads(call, threads);
  const AttentionItems items = CutIntoItems(call, useful_threads);
  const auto attend = &HWY_DYNAMIC_DISPATCH(AttendItem);
  const auto attend_at = [&](int64_t index) {
    const AttentionItem item = items.At(call, index);
    if (item.query_count > 0) attend(call, item);
  };
  if (useful_threads <= 1) {
    for (int64_t i = 0; i < items.count; ++i) attend_at(i);
    return;
  }
  // Texts differ in length, so items are handed out as threads become free, a few at a time.
  const int64_t grain = std::max<int64_t>(1, items.count / (16 * useful_threads));
#pragma omp parallel for num_threads(useful_threads) schedule(dynamic, grain)
  for (int64_t i = 0; i < items.count; ++i) attend_at(i);
}

}  // namespace fathom::kernels
#endif  // HWY_ONCE
