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

#include "kernels/cpu/transpose-inl.h"
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

#if HWY_TARGET != HWY_SCALAR

// sums[i] = the sum of element i of all blocks of four.
template <class D>
HWY_INLINE void StoreSumOfBlocks(D d, hn::Vec<D> blocks, float* sums) {
  if constexpr (hn::MaxLanes(D()) == 4) {
    hn::StoreU(blocks, d, sums);
  } else {
    const hn::Half<D> half;
    StoreSumOfBlocks(half, hn::Add(hn::LowerHalf(half, blocks), hn::UpperHalf(half, blocks)), sums);
  }
}

#endif  // HWY_TARGET != HWY_SCALAR

// The left factor: rows of `depth` floats.
struct DotRows {
  const float* row[kDotRows];
  size_t depth;
};

// The sum of the lanes of each vector; of four at once, half as much work as one by one.
template <size_t kCount>
HWY_INLINE void SumsOfLanes(hn::Vec<hn::ScalableTag<float>> (&vectors)[kCount], float* sums) {
  const hn::ScalableTag<float> d;
#if HWY_TARGET != HWY_SCALAR
  if constexpr (kCount == 4) {
    TransposeBlocks(d, vectors);
    const auto blocks = hn::Add(hn::Add(vectors[0], vectors[1]), hn::Add(vectors[2], vectors[3]));
    StoreSumOfBlocks(d, blocks, sums);
    return;
  }
#endif
  for (size_t i = 0; i < kCount; ++i) sums[i] = hn::GetLane(hn::SumOfLanes(d, vectors[i]));
}

// Gives weights[o] · rows[r] to `sink(r, o, product)`, with rows of weights that follow each other
// in memory. The order of a sum depends on the depth and on kOutputs alone. The next tile's weights
// are asked for on the way: the processor's own prefetch stops at the end of a page.
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
  for (size_t r = 0; r < kRows; ++r) {
    Vector of_row[kOutputs];
    HWY_UNROLL(16)
    for (size_t o = 0; o < kOutputs; ++o) of_row[o] = sums[o][r];
    float products[kOutputs];
    SumsOfLanes(of_row, products);
    for (size_t o = 0; o < kOutputs; ++o) {
      auto sum = hn::Set(d1, products[o]);
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

// Gives weights[o] · row_at(r) to `sink(r, o, product)` for r < count and o < outputs.
template <class RowAt, class Sink>
HWY_INLINE void DotRowsWith(const RowAt& row_at, size_t count, size_t depth, const float* weights,
                            size_t outputs, const Sink& sink) {
  for (size_t output = 0; output < outputs; output += kDotOutputs) {
    for (size_t row = 0; row < count; row += kDotRows) {
      const size_t rows = std::min(kDotRows, count - row);
      DotRows left{};
      left.depth = depth;
      for (size_t r = 0; r < rows; ++r) left.row[r] = row_at(row + r);
      DotTileOf<kDotRows>(
          rows, std::min(kDotOutputs, outputs - output), left, weights + output * depth,
          [&](size_t r, size_t o, float product) HWY_ATTR { sink(row + r, output + o, product); });
    }
  }
}

// Outputs [first, last) of all rows of the segment, without the activation.
inline HWY_NOINLINE void MultiplyDense(const DenseSegment& segment, size_t first, size_t last) {
  const auto depth = static_cast<size_t>(segment.in);
  const float* bias = segment.bias == nullptr ? nullptr : segment.bias + first;
  float* y = segment.y + first;
  const auto y_stride = static_cast<size_t>(segment.y_stride);
  const auto row_at = [&segment](size_t row) HWY_ATTR {
    const auto i = static_cast<int64_t>(row);
    return segment.x + (segment.rows == nullptr ? i : segment.rows[i]) * segment.x_stride;
  };
  DotRowsWith(row_at, static_cast<size_t>(segment.count), depth, segment.weight + first * depth,
              last - first, [=](size_t row, size_t output, float product) HWY_ATTR {
                y[row * y_stride + output] = bias == nullptr ? product : product + bias[output];
              });
}

}  // namespace fathom::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // FATHOM_KERNELS_CPU_DOT_TILE_INL_H_
