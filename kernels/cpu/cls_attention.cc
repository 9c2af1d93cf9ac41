#include "kernels/cpu/cls_attention.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>

#include "kernels/cpu/cls_parts.h"
#include "kernels/cpu/scratch.h"
#include "kernels/cpu/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/cls_attention.cc"
#include <hwy/foreach_target.h>
// After foreach_target.h.
#include <hwy/highway.h>

#include "kernels/cpu/dot_tile-inl.h"
#include "kernels/cpu/exp2-inl.h"
#include "kernels/cpu/matrix_tile-inl.h"

HWY_BEFORE_NAMESPACE();
namespace fathom::kernels::HWY_NAMESPACE {

// A product of rows with the rows of an unpadded matrix.
struct Product {
  const float* left;  // [rows, depth]
  size_t left_stride;
  size_t rows;
  const float* right;  // [depth, columns]
  size_t right_stride;
  size_t depth;
  float* out;  // [rows, columns]
  size_t out_stride;
};

struct StoreSink {
  float* out;
  size_t stride;
  HWY_INLINE void operator()(size_t row, size_t vector, FloatVec sums) const {
    hn::StoreU(sums, FloatTag(), out + row * stride + vector * hn::Lanes(FloatTag()));
  }
};

// Columns [first, last) of the product.
HWY_INLINE void MultiplyColumns(const Product& of, size_t first, size_t last) {
  const FloatTag d;
  const hn::CappedTag<float, 1> d1;
  const size_t lanes = hn::Lanes(d);
  const RowMajor left{of.left, of.left_stride};
  size_t column = first;
  for (; column + kTileVectors * lanes <= last; column += kTileVectors * lanes) {
    MultiplyRows<kTileVectors>(of.rows, left,
                               RightFactor{of.right + column, of.right_stride, of.depth},
                               StoreSink{of.out + column, of.out_stride});
  }
  for (; column + lanes <= last; column += lanes) {
    MultiplyRows<1>(of.rows, left, RightFactor{of.right + column, of.right_stride, of.depth},
                    StoreSink{of.out + column, of.out_stride});
  }
  for (; column < last; ++column) {
    for (size_t row = 0; row < of.rows; ++row) {
      auto sum = hn::Zero(d1);
      for (size_t k = 0; k < of.depth; ++k) {
        sum = hn::MulAdd(hn::LoadU(d1, of.left + row * of.left_stride + k),
                         hn::LoadU(d1, of.right + k * of.right_stride + column), sum);
      }
      hn::StoreU(sum, d1, of.out + row * of.out_stride + column);
    }
  }
}

// Columns of absorbed [segments, A, H] for head part.index.
void AbsorbKey(const ClsAttention& call, const ClsPart& part) {
  const auto heads = static_cast<size_t>(call.heads);
  const auto size = static_cast<size_t>(call.head_size);
  const auto head = static_cast<size_t>(part.index);
  const size_t hidden = heads * size;
  MultiplyColumns({.left = call.query + head * size,
                   .left_stride = hidden,
                   .rows = static_cast<size_t>(call.segment_count),
                   .right = call.key + head * size * hidden,
                   .right_stride = hidden,
                   .depth = size,
                   .out = call.workspace + head * hidden,
                   .out_stride = heads * hidden},
                  static_cast<size_t>(part.first), static_cast<size_t>(part.last));
}

// scores [padded] -> the weights of softmax(scores · scale). Max may pass over a NaN; its weight is
// NaN all the same, and so are the sum and all others.
HWY_INLINE void SoftmaxOfRow(float* scores, size_t count, size_t padded, float scale) {
  const FloatTag d;
  const size_t lanes = hn::Lanes(d);
  std::fill(scores + count, scores + padded, -std::numeric_limits<float>::infinity());
  FloatVec maxima = hn::Load(d, scores);
  for (size_t i = lanes; i < padded; i += lanes) {
    maxima = hn::Max(maxima, hn::Load(d, scores + i));
  }
  const FloatVec largest = hn::MaxOfLanes(d, maxima);
  const FloatVec log_scale = hn::Set(d, scale * 1.44269504f);
  FloatVec sums = hn::Zero(d);
  for (size_t i = 0; i < padded; i += lanes) {
    const FloatVec difference = hn::Sub(hn::Load(d, scores + i), largest);
    const FloatVec weight = Exp2OfNegative(d, hn::Mul(difference, log_scale));
    hn::Store(weight, d, scores + i);
    sums = hn::Add(sums, weight);
  }
  const FloatVec inverse = hn::Div(hn::Set(d, 1.0f), hn::SumOfLanes(d, sums));
  for (size_t i = 0; i < padded; i += lanes) {
    hn::Store(hn::Mul(hn::Load(d, scores + i), inverse), d, scores + i);
  }
}

// Heads of mixed [segments, A, H] for segment part.index.
void MixRows(const ClsAttention& call, const ClsPart& part) {
  const auto hidden = static_cast<size_t>(call.heads * call.head_size);
  const AttentionSegment& segment = call.segments[part.index];
  const auto heads = static_cast<size_t>(part.last - part.first);
  const auto tokens = static_cast<size_t>(segment.count);
  const auto first = static_cast<size_t>(part.index * call.heads + part.first) * hidden;
  const size_t total = static_cast<size_t>(call.segment_count * call.heads) * hidden;
  float* mixed = call.workspace + total + first;
  if (tokens == 0) {
    std::fill(mixed, mixed + heads * hidden, 0.0f);
    return;
  }
  const size_t lanes = hn::Lanes(FloatTag());
  const size_t padded = (tokens + lanes - 1) / lanes * lanes;
  float* weights = ThreadScratch(heads * padded);
  const float* x = call.x + segment.first * static_cast<int64_t>(hidden);
  MultiplyDense({.x = call.workspace + first,
                 .x_stride = static_cast<int64_t>(hidden),
                 .rows = nullptr,
                 .count = static_cast<int64_t>(heads),
                 .weight = x,
                 .bias = nullptr,
                 .in = static_cast<int64_t>(hidden),
                 .out = segment.count,
                 .activation = Activation::kIdentity,
                 .y = weights,
                 .y_stride = static_cast<int64_t>(padded)},
                0, tokens);
  const float scale = 1.0f / std::sqrt(static_cast<float>(call.head_size));
  for (size_t head = 0; head < heads; ++head) {
    SoftmaxOfRow(weights + head * padded, tokens, padded, scale);
  }
  MultiplyColumns({.left = weights,
                   .left_stride = padded,
                   .rows = heads,
                   .right = x,
                   .right_stride = hidden,
                   .depth = tokens,
                   .out = mixed,
                   .out_stride = hidden},
                  0, hidden);
}

// Outputs of head part.index in context [segments, H].
void ApplyValue(const ClsAttention& call, const ClsPart& part) {
  const int64_t hidden = call.heads * call.head_size;
  const int64_t head = part.index;
  const int64_t total = call.segment_count * call.heads * hidden;
  MultiplyDense({.x = call.workspace + total + head * hidden,
                 .x_stride = call.heads * hidden,
                 .rows = nullptr,
                 .count = call.segment_count,
                 .weight = call.value + head * call.head_size * hidden,
                 .bias = call.value_bias + head * call.head_size,
                 .in = hidden,
                 .out = call.head_size,
                 .activation = Activation::kIdentity,
                 .y = call.context + head * call.head_size,
                 .y_stride = hidden},
                static_cast<size_t>(part.first), static_cast<size_t>(part.last));
}

}  // namespace fathom::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fathom::kernels {
namespace {

HWY_EXPORT(AbsorbKey);
HWY_EXPORT(MixRows);
HWY_EXPORT(ApplyValue);

// Reading fewer elements than this takes less time than waking another thread.
constexpr int64_t kSerialElements = 64 * 1024;

}  // namespace

void CpuClsAttention(const ClsAttention& call, int threads) {
  if (call.segment_count == 0) return;
  const int64_t hidden = call.heads * call.head_size;
  const int useful_threads = hidden * hidden < kSerialElements ? 1 : threads;
  const auto absorb = &HWY_DYNAMIC_DISPATCH(AbsorbKey);
  const auto mix = &HWY_DYNAMIC_DISPATCH(MixRows);
  const auto apply = &HWY_DYNAMIC_DISPATCH(ApplyValue);
  const ClsParts absorbed = CutIntoParts(call.heads, hidden, 64, useful_threads);
  const ClsParts mixed = CutIntoParts(call.segment_count, call.heads, 1, useful_threads);
  const ClsParts outputs = CutIntoParts(call.heads, call.head_size, 4, useful_threads);
#pragma omp parallel num_threads(useful_threads) if (useful_threads > 1)
  {
#pragma omp for schedule(dynamic, 1)
    for (int64_t i = 0; i < absorbed.total(); ++i) absorb(call, absorbed.At(i));
#pragma omp for schedule(dynamic, 1)
    for (int64_t i = 0; i < mixed.total(); ++i) mix(call, mixed.At(i));
#pragma omp for schedule(dynamic, 1)
    for (int64_t i = 0; i < outputs.total(); ++i) apply(call, outputs.At(i));
  }
}

}  // namespace fathom::kernels
#endif  // HWY_ONCE
