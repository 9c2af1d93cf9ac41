// Products of rows with rows, both as they lie in memory: dense layers over few rows, where reading
// the weights is most of the work. Included once for each Highway target.

#if defined(FATHOM_KERNELS_CPU_DOT_TILE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef FATHOM_KERNELS_CPU_DOT_TILE_INL_H_
#undef FATHOM_KERNELS_CPU_DOT_TILE_INL_H_
#else
#define FATHOM_KERNELS_CPU_DOT_TILE_INL_H_
#endif

#include <hwy/cache_control.h>
#include <hwy/highway.h>

#include <algorithm>
#include <cstddef>

#include "kernels/kernels.h"

HWY_BEFORE_NAMESPACE();
namespace fathom::kernels::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// A tile is the products of kDotRows rows with kDotOutputs rows of weights: as many sums as hide
// the latency of a multiply-add and fit into the registers.
inline constexpr size_t kDotOutputs = 4;
#if HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX3_DL || HWY_TARGET == HWY_NEON
inline constexpr size_t kDotRows = 4;  // 32 registers
#elif HWY_TARGET == HWY_AVX2
inline constexpr size_t kDotRows = 3;  // 16 registers
#else
inline constexpr size_t kDotRows = 2;  // 16 registers, and a product needs one of its own
#endif

// The left factor: rows of `depth` floats.
struct DotRows {
  const float* row[kDotRows];
  size_t depth;
};

// Gives weights[o] · rows[r] to `sink(r, o, product)`, with rows of weights that follow each other
// in memory. The order of a sum depends on the depth alone. The next tile's weights are asked for
// on the way: the processor's own prefetch stops at the end of a page.
template <size_t kRows, size_t kOutputs, class Sink>
HWY_INLINE void DotTile(const DotRows& rows, const float* weights, const Sink& sink) {
  const hn::ScalableTag<float> d;
  const hn::CappedTag<float, 1> d1;
  using Vector = hn::Vec<decltype(d)>;
  const size_t depth = rows.depth;
  Vector sums[kOutputs][kRows];
  HWY_UNROLL(16)
  for (size_t o = 0; o < kOutputs; ++o) {
    HWY_UNROLL(16)
    for (size_t r = 0; r < kRows; ++r) sums[o][r] = hn::Zero(d);
  }
  size_t k = 0;
  for (; k + hn::Lanes(d) <= depth; k += hn::Lanes(d)) {
    Vector values[kRows];
    HWY_UNROLL(16)
    for (size_t r = 0; r < kRows; ++r) values[r] = hn::LoadU(d, rows.row[r] + k);
    HWY_UNROLL(16)
    for (size_t o = 0; o < kOutputs; ++o) {
      const float* at = weights + o * depth + k;
      hwy::Prefetch(at + kOutputs * depth);
      const Vector weight = hn::LoadU(d, at);
      HWY_UNROLL(16)
      for (size_t r = 0; r < kRows; ++r) sums[o][r] = hn::MulAdd(weight, values[r], sums[o][r]);
    }
  }
  HWY_UNROLL(16)
  for (size_t o = 0; o < kOutputs; ++o) {
    HWY_UNROLL(16)
    for (size_t r = 0; r < kRows; ++r) {
      auto sum = hn::Set(d1, hn::GetLane(hn::SumOfLanes(d, sums[o][r])));
      for (size_t i = k; i < depth; ++i) {
        sum =
            hn::MulAdd(hn::LoadU(d1, weights + o * depth + i), hn::LoadU(d1, rows.row[r] + i), sum);
      }
      sink(r, o, hn::GetLane(sum));
    }
  }
}

template <size_t kRows, class Sink>
HWY_INLINE void DotTileOfOutputs(size_t outputs, const DotRows& rows, const float* weights,
                                 const Sink& sink) {
  if (outputs == kDotOutputs) {
    DotTile<kRows, kDotOutputs>(rows, weights, sink);
  } else {
    for (size_t o = 0; o < outputs; ++o) {
      DotTile<kRows, 1>(rows, weights + o * rows.depth,
                        [&](size_t r, size_t, float product) HWY_ATTR { sink(r, o, product); });
    }
  }
}

template <size_t kRows, class Sink>
HWY_INLINE void DotTileOf(size_t row_count, size_t outputs, const DotRows& rows,
                          const float* weights, const Sink& sink) {
  if (row_count == kRows) {
    DotTileOfOutputs<kRows>(outputs, rows, weights, sink);
  } else if constexpr (kRows > 1) {
    DotTileOf<kRows - 1>(row_count, outputs, rows, weights, sink);
  }
}

// Outputs [first, last) of all rows of the segment, without the activation.
HWY_NOINLINE void MultiplyDense(const DenseSegment& segment, size_t first, size_t last) {
  const auto depth = static_cast<size_t>(segment.in);
  const auto count = static_cast<size_t>(segment.count);
  const auto x_stride = static_cast<size_t>(segment.x_stride);
  const auto y_stride = static_cast<size_t>(segment.y_stride);
  for (size_t output = first; output < last; output += kDotOutputs) {
    const size_t outputs = std::min(kDotOutputs, last - output);
    for (size_t row = 0; row < count; row += kDotRows) {
      const size_t rows = std::min(kDotRows, count - row);
      DotRows left{};
      left.depth = depth;
      for (size_t r = 0; r < rows; ++r) {
        const size_t index =
            segment.rows == nullptr ? row + r : static_cast<size_t>(segment.rows[row + r]);
        left.row[r] = segment.x + index * x_stride;
      }
      float* y = segment.y + row * y_stride + output;
      const float* bias = segment.bias == nullptr ? nullptr : segment.bias + output;
      DotTileOf<kDotRows>(rows, outputs, left, segment.weight + output * depth,
                          [=](size_t r, size_t o, float product) HWY_ATTR {
                            y[r * y_stride + o] = bias == nullptr ? product : product + bias[o];
                          });
    }
  }
}

}  // namespace fathom::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // FATHOM_KERNELS_CPU_DOT_TILE_INL_H_
