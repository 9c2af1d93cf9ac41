// LayerNorm of a row. Included once for each Highway target.

#if defined(FATHOM_KERNELS_CPU_LAYER_NORM_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef FATHOM_KERNELS_CPU_LAYER_NORM_INL_H_
#undef FATHOM_KERNELS_CPU_LAYER_NORM_INL_H_
#else
#define FATHOM_KERNELS_CPU_LAYER_NORM_INL_H_
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <cmath>
#include <cstddef>

HWY_BEFORE_NAMESPACE();
namespace fathom::kernels::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// Elements [first, last) of a row, in whole vectors of one tag.
struct Span {
  size_t first;
  size_t last;
};

// The whole vectors of a row and what is left of it.
struct Halves {
  Span whole;
  Span rest;
};

HWY_INLINE Halves Split(size_t size) {
  const size_t lanes = hn::Lanes(hn::ScalableTag<float>());
  const size_t end = size / lanes * lanes;
  return {{0, end}, {end, size}};
}

template <class D>
HWY_INLINE float AddSpan(D d, const float* a, const float* b, float* out, Span span) {
  auto sum = hn::Zero(d);
  for (size_t i = span.first; i < span.last; i += hn::Lanes(d)) {
    const auto value = hn::Add(hn::LoadU(d, a + i), hn::LoadU(d, b + i));
    hn::StoreU(value, d, out + i);
    sum = hn::Add(sum, value);
  }
  return hn::GetLane(hn::SumOfLanes(d, sum));
}

// out = a + b; returns its sum. `out` may be one of them.
HWY_INLINE float AddRows(const float* a, const float* b, float* out, size_t size) {
  const Halves halves = Split(size);
  return AddSpan(hn::ScalableTag<float>(), a, b, out, halves.whole) +
         AddSpan(hn::CappedTag<float, 1>(), a, b, out, halves.rest);
}

template <class D>
HWY_INLINE float SumOfSpan(D d, const float* values, Span span) {
  auto sum = hn::Zero(d);
  for (size_t i = span.first; i < span.last; i += hn::Lanes(d)) {
    sum = hn::Add(sum, hn::LoadU(d, values + i));
  }
  return hn::GetLane(hn::SumOfLanes(d, sum));
}

HWY_INLINE float SumOfRow(const float* values, size_t size) {
  const Halves halves = Split(size);
  return SumOfSpan(hn::ScalableTag<float>(), values, halves.whole) +
         SumOfSpan(hn::CappedTag<float, 1>(), values, halves.rest);
}

// Sums of (value - center) and of its square.
struct Moments {
  float first;
  float second;
};

template <class D>
HWY_INLINE Moments MomentsAround(D d, float center, const float* values, Span span) {
  const auto centers = hn::Set(d, center);
  auto first = hn::Zero(d);
  auto second = hn::Zero(d);
  for (size_t i = span.first; i < span.last; i += hn::Lanes(d)) {
    const auto difference = hn::Sub(hn::LoadU(d, values + i), centers);
    first = hn::Add(first, difference);
    second = hn::MulAdd(difference, difference, second);
  }
  return {hn::GetLane(hn::SumOfLanes(d, first)), hn::GetLane(hn::SumOfLanes(d, second))};
}

// The weights of a LayerNorm.
struct Norm {
  const float* gamma;
  const float* beta;
  float epsilon;
  size_t size;
};

// (value - center) * factor + shift is the normalised value.
struct Normalisation {
  float center;
  float factor;
  float shift;
};

template <class D>
HWY_INLINE void NormaliseSpan(D d, const Norm& norm, const Normalisation& by, const float* from,
                              float* to, Span span) {
  const auto center = hn::Set(d, by.center);
  const auto factor = hn::Set(d, by.factor);
  const auto shift = hn::Set(d, by.shift);
  for (size_t i = span.first; i < span.last; i += hn::Lanes(d)) {
    const auto difference = hn::Sub(hn::LoadU(d, from + i), center);
    const auto normalised = hn::MulAdd(difference, factor, shift);
    hn::StoreU(hn::MulAdd(normalised, hn::LoadU(d, norm.gamma + i), hn::LoadU(d, norm.beta + i)), d,
               to + i);
  }
}

// to = LayerNorm(from), whose sum is `sum`; they may be equal.
HWY_INLINE void NormaliseRow(const Norm& norm, float sum, const float* from, float* to) {
  const hn::ScalableTag<float> d;
  const hn::CappedTag<float, 1> d1;
  const Halves halves = Split(norm.size);
  const float inverse_size = 1.0f / static_cast<float>(norm.size);
  const float center = sum * inverse_size;
  const Moments a = MomentsAround(d, center, from, halves.whole);
  const Moments b = MomentsAround(d1, center, from, halves.rest);
  // `center` is the mean up to the rounding of a sum of large numbers. Differences from it are
  // small and exact, so what it lacks is taken from them.
  const float correction = (a.first + b.first) * inverse_size;
  const float variance = (a.second + b.second) * inverse_size - correction * correction;
  const float factor = 1.0f / std::sqrt(std::max(variance, 0.0f) + norm.epsilon);
  const Normalisation by{center, factor, -correction * factor};
  NormaliseSpan(d, norm, by, from, to, halves.whole);
  NormaliseSpan(d1, norm, by, from, to, halves.rest);
}

}  // namespace fathom::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // FATHOM_KERNELS_CPU_LAYER_NORM_INL_H_
