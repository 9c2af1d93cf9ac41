#include "kernels/cpu/layer_norm.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "kernels/cpu/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/layer_norm.cc"
#include <hwy/foreach_target.h>
// After foreach_target.h.
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace fathom::kernels::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// Elements [first, last) of a row, in whole vectors of one tag.
struct Span {
  size_t first;
  size_t last;
};

struct Row {
  const float* dense;
  const float* residual;
  float* out;
};

// out = dense + residual over `span`; returns its sum.
template <class D>
HWY_INLINE float AddInputs(D d, const Row& row, Span span) {
  auto sum = hn::Zero(d);
  for (size_t i = span.first; i < span.last; i += hn::Lanes(d)) {
    const auto value = hn::Add(hn::LoadU(d, row.dense + i), hn::LoadU(d, row.residual + i));
    hn::StoreU(value, d, row.out + i);
    sum = hn::Add(sum, value);
  }
  return hn::GetLane(hn::SumOfLanes(d, sum));
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

// (value - center) * factor + shift is the normalised value.
struct Normalisation {
  float center;
  float factor;
  float shift;
};

template <class D>
HWY_INLINE void Normalise(D d, const Normalisation& by, const ResidualLayerNorm& call, float* out,
                          Span span) {
  const auto center = hn::Set(d, by.center);
  const auto factor = hn::Set(d, by.factor);
  const auto shift = hn::Set(d, by.shift);
  for (size_t i = span.first; i < span.last; i += hn::Lanes(d)) {
    const auto difference = hn::Sub(hn::LoadU(d, out + i), center);
    const auto normalised = hn::MulAdd(difference, factor, shift);
    hn::StoreU(hn::MulAdd(normalised, hn::LoadU(d, call.gamma + i), hn::LoadU(d, call.beta + i)), d,
               out + i);
  }
}

void NormaliseRow(const ResidualLayerNorm& call, const Row& row) {
  const hn::ScalableTag<float> d;
  const hn::CappedTag<float, 1> d1;
  const size_t size = static_cast<size_t>(call.hidden_size);
  const Span whole{0, size / hn::Lanes(d) * hn::Lanes(d)};
  const Span rest{whole.last, size};
  const float inverse_size = 1.0f / static_cast<float>(size);

  const float center = (AddInputs(d, row, whole) + AddInputs(d1, row, rest)) * inverse_size;
  const Moments a = MomentsAround(d, center, row.out, whole);
  const Moments b = MomentsAround(d1, center, row.out, rest);
  // `center` is the mean up to the rounding of a sum of large numbers. Differences from it are
  // small and exact, so what it lacks is taken from them.
  const float correction = (a.first + b.first) * inverse_size;
  const float variance = (a.second + b.second) * inverse_size - correction * correction;
  const float factor = 1.0f / std::sqrt(std::max(variance, 0.0f) + call.epsilon);
  const Normalisation by{center, factor, -correction * factor};
  Normalise(d, by, call, row.out, whole);
  Normalise(d1, by, call, row.out, rest);
}

void NormaliseRows(const ResidualLayerNorm& call, const RowCopy& rows) {
  const int64_t width = call.hidden_size;
  for (int64_t i = 0; i < rows.count; ++i) {
    const int64_t src = (rows.src_first + i) * width;
    const int64_t residual = (rows.residual_first + i) * width;
    const int64_t dst = (rows.dst_first + i) * width;
    NormaliseRow(call, {call.dense + src, call.residual + residual, call.out + dst});
  }
}

}  // namespace fathom::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fathom::kernels {
namespace {

HWY_EXPORT(NormaliseRows);

// Fewer elements than this take less time than waking other threads.
constexpr int64_t kSerialElements = 32 * 1024;

// Rows [first, last) of all segments laid end to end.
void NormaliseRange(const ResidualLayerNorm& call, int64_t first, int64_t last) {
  int64_t begin = 0;  // of the segment
  for (int64_t i = 0; i < call.segment_count && begin < last; ++i) {
    const RowCopy& segment = call.segments[i];
    const int64_t skip = std::max<int64_t>(first - begin, 0);
    const int64_t end = std::min(segment.count, last - begin);
    if (skip < end) {
      HWY_DYNAMIC_DISPATCH(NormaliseRows)
      (call, {segment.src_first + skip, segment.residual_first + skip, segment.dst_first + skip,
              end - skip});
    }
    begin += segment.count;
  }
}

}  // namespace

void CpuResidualLayerNorm(const ResidualLayerNorm& call, int threads) {
  int64_t rows = 0;
  for (int64_t i = 0; i < call.segment_count; ++i) rows += call.segments[i].count;
  if (threads <= 1 || rows * call.hidden_size < kSerialElements) {
    NormaliseRange(call, 0, rows);
    return;
  }
#pragma omp parallel for num_threads(threads) schedule(static)
  for (int part = 0; part < threads; ++part) {
    NormaliseRange(call, rows * part / threads, rows * (part + 1) / threads);
  }
}

}  // namespace fathom::kernels
#endif  // HWY_ONCE
