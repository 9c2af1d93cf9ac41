// What a fusion of bottlenecks does between its two products: scores, softmax over the members, and
// their weighted values. Included once for each Highway target.

#if defined(FATHOM_KERNELS_CPU_FUSION_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef FATHOM_KERNELS_CPU_FUSION_INL_H_
#undef FATHOM_KERNELS_CPU_FUSION_INL_H_
#else
#define FATHOM_KERNELS_CPU_FUSION_INL_H_
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "kernels/kernels.h"

HWY_BEFORE_NAMESPACE();
namespace fathom::kernels::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// Floats of whole vectors, as many as all parts of a buffer have: they begin aligned.
HWY_INLINE size_t WholeVectors(size_t floats) {
  const size_t lanes = hn::Lanes(hn::ScalableTag<float>());
  return (floats + lanes - 1) / lanes * lanes;
}

// The rows of a tile of a fusion with K members, their widths D_j together D.
struct FusedRows {
  float* hidden;   // h_j, a member after the other: [rows, D_j] in whole vectors
  float* scorers;  // t [rows, D]
  float* weights;  // o, then p [rows, K]
  float* mixed;    // [p_j h_j | p_j] [rows, D + K]
};

HWY_INLINE size_t HiddenSize(const Bottleneck& by, size_t count) {
  size_t floats = 0;
  for (int64_t j = 0; j < by.member_count; ++j) {
    floats += WholeVectors(count * static_cast<size_t>(by.members[j].width));
  }
  return floats;
}

HWY_INLINE size_t FusedRowsSize(const Bottleneck& by, size_t count) {
  const auto width = static_cast<size_t>(by.width);
  const auto members = static_cast<size_t>(by.member_count);
  return HiddenSize(by, count) + WholeVectors(count * width) + WholeVectors(count * members) +
         WholeVectors(count * (width + members));
}

// `memory` has FusedRowsSize floats.
HWY_INLINE FusedRows CutFusedRows(const Bottleneck& by, size_t count, float* memory) {
  FusedRows rows;
  rows.hidden = memory;
  rows.scorers = rows.hidden + HiddenSize(by, count);
  rows.weights = rows.scorers + WholeVectors(count * static_cast<size_t>(by.width));
  rows.mixed = rows.weights + WholeVectors(count * static_cast<size_t>(by.member_count));
  return rows;
}

HWY_INLINE float DotProduct(const float* a, const float* b, size_t size) {
  const hn::ScalableTag<float> d;
  auto sums = hn::Zero(d);
  size_t i = 0;
  for (; i + hn::Lanes(d) <= size; i += hn::Lanes(d)) {
    sums = hn::MulAdd(hn::LoadU(d, a + i), hn::LoadU(d, b + i), sums);
  }
  float sum = hn::GetLane(hn::SumOfLanes(d, sums));
  for (; i < size; ++i) sum += a[i] * b[i];
  return sum;
}

// A NaN among the scores makes all of them NaN.
HWY_INLINE void Softmax(float* scores, size_t count) {
  const float largest = *std::max_element(scores, scores + count);
  float sum = 0;
  for (size_t i = 0; i < count; ++i) {
    scores[i] = std::exp(scores[i] - largest);
    sum += scores[i];
  }
  for (size_t i = 0; i < count; ++i) scores[i] /= sum;
}

HWY_INLINE void ScaleInto(const float* from, float factor, size_t size, float* to) {
  const hn::ScalableTag<float> d;
  size_t i = 0;
  for (; i + hn::Lanes(d) <= size; i += hn::Lanes(d)) {
    hn::StoreU(hn::Mul(hn::LoadU(d, from + i), hn::Set(d, factor)), d, to + i);
  }
  for (; i < size; ++i) to[i] = from[i] * factor;
}

// From h, t and o to p and the mixed values.
inline HWY_NOINLINE void MixMembers(const Bottleneck& by, size_t count, const FusedRows& rows) {
  const auto width = static_cast<size_t>(by.width);
  const auto members = static_cast<size_t>(by.member_count);
  for (size_t row = 0; row < count; ++row) {
    float* weights = rows.weights + row * members;
    const float* scorers = rows.scorers + row * width;
    const float* hidden = rows.hidden;
    for (size_t j = 0; j < members; ++j) {
      const auto size = static_cast<size_t>(by.members[j].width);
      weights[j] += DotProduct(scorers, hidden + row * size, size);
      scorers += size;
      hidden += WholeVectors(count * size);
    }
    Softmax(weights, members);
    float* mixed = rows.mixed + row * (width + members);
    hidden = rows.hidden;
    for (size_t j = 0; j < members; ++j) {
      const auto size = static_cast<size_t>(by.members[j].width);
      ScaleInto(hidden + row * size, weights[j], size, mixed);
      mixed += size;
      hidden += WholeVectors(count * size);
    }
    std::copy_n(weights, members, mixed);
  }
}

}  // namespace fathom::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // FATHOM_KERNELS_CPU_FUSION_INL_H_
