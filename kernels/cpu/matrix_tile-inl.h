// The multiply-add loop of attention and adapters: a small tile of a matrix product, kept in
// registers. Included once for each Highway target.

#if defined(FATHOM_KERNELS_CPU_MATRIX_TILE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef FATHOM_KERNELS_CPU_MATRIX_TILE_INL_H_
#undef FATHOM_KERNELS_CPU_MATRIX_TILE_INL_H_
#else
#define FATHOM_KERNELS_CPU_MATRIX_TILE_INL_H_
#endif

#include <hwy/highway.h>

#include <cstddef>

HWY_BEFORE_NAMESPACE();
namespace fathom::kernels::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

using FloatTag = hn::ScalableTag<float>;
using FloatVec = hn::Vec<FloatTag>;

// A tile has kTileRows rows of kTileVectors vectors: enough independent sums to hide the latency of
// a multiply-add, few enough for the register file.
inline constexpr size_t kTileVectors = 2;
#if HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX3_DL || HWY_TARGET == HWY_NEON
inline constexpr size_t kTileRows = 12;  // 32 registers
#elif HWY_TARGET == HWY_AVX2
inline constexpr size_t kTileRows = 6;  // 16 registers
#else
inline constexpr size_t kTileRows = 4;  // 16 registers, and a product needs one of its own
#endif

// The left factor, element (row, depth), in either order.
struct RowMajor {
  const float* data;
  size_t row_stride;
  HWY_INLINE const float* At(size_t row, size_t depth) const {
    return data + row * row_stride + depth;
  }
};
struct ColumnMajor {
  const float* data;
  size_t depth_stride;
  HWY_INLINE const float* At(size_t row, size_t depth) const {
    return data + depth * depth_stride + row;
  }
};

// The right factor: `depth` rows of whole vectors.
struct RightFactor {
  const float* data;
  size_t stride;
  size_t depth;
};

// Rows [row, row + kRows) of left · right, given to `sink(row, vector index, sums)`.
template <size_t kRows, size_t kVectors, class Left, class Sink>
HWY_INLINE void MultiplyTile(const Left& left, size_t row, const RightFactor& right,
                             const Sink& sink) {
  const FloatTag d;
  FloatVec sums[kRows][kVectors];
  HWY_UNROLL(16)
  for (size_t r = 0; r < kRows; ++r) {
    HWY_UNROLL(16)
    for (size_t v = 0; v < kVectors; ++v) sums[r][v] = hn::Zero(d);
  }
  for (size_t k = 0; k < right.depth; ++k) {
    FloatVec columns[kVectors];
    HWY_UNROLL(16)
    for (size_t v = 0; v < kVectors; ++v) {
      columns[v] = hn::LoadU(d, right.data + k * right.stride + v * hn::Lanes(d));
    }
    HWY_UNROLL(16)
    for (size_t r = 0; r < kRows; ++r) {
      const FloatVec factor = hn::Set(d, *left.At(row + r, k));
      HWY_UNROLL(16)
      for (size_t v = 0; v < kVectors; ++v) {
        sums[r][v] = hn::MulAdd(factor, columns[v], sums[r][v]);
      }
    }
  }
  HWY_UNROLL(16)
  for (size_t r = 0; r < kRows; ++r) {
    HWY_UNROLL(16)
    for (size_t v = 0; v < kVectors; ++v) sink(row + r, v, sums[r][v]);
  }
}

template <size_t kRows, size_t kVectors, class Left, class Sink>
HWY_INLINE void MultiplyTileOf(size_t rows, const Left& left, size_t row, const RightFactor& right,
                               const Sink& sink) {
  if (rows == kRows) {
    MultiplyTile<kRows, kVectors>(left, row, right, sink);
  } else if constexpr (kRows > 1) {
    MultiplyTileOf<kRows - 1, kVectors>(rows, left, row, right, sink);
  }
}

// left · right for all `rows` rows, in tiles of nearly equal height: a last tile of one row would
// wait for its own sums.
template <size_t kVectors, class Left, class Sink>
HWY_INLINE void MultiplyRows(size_t rows, const Left& left, const RightFactor& right,
                             const Sink& sink) {
  const size_t tiles = (rows + kTileRows - 1) / kTileRows;
  for (size_t tile = 0; tile < tiles; ++tile) {
    const size_t row = rows * tile / tiles;
    const size_t end = rows * (tile + 1) / tiles;
    MultiplyTileOf<kTileRows, kVectors>(end - row, left, row, right, sink);
  }
}

}  // namespace fathom::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // FATHOM_KERNELS_CPU_MATRIX_TILE_INL_H_
