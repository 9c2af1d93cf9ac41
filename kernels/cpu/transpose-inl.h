// Rows to columns and back. Included once for each Highway target.

#if defined(FATHOM_KERNELS_CPU_TRANSPOSE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef FATHOM_KERNELS_CPU_TRANSPOSE_INL_H_
#undef FATHOM_KERNELS_CPU_TRANSPOSE_INL_H_
#else
#define FATHOM_KERNELS_CPU_TRANSPOSE_INL_H_
#endif

#include <hwy/highway.h>

#include <cstddef>

HWY_BEFORE_NAMESPACE();
namespace fathom::kernels::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

#if HWY_TARGET != HWY_SCALAR

// Block j of the vector is elements [column, column + 4) of row 4j.
template <class D>
HWY_INLINE hn::Vec<D> LoadBlocks(D d, const float* const* rows, size_t column) {
  constexpr size_t kLanes = hn::MaxLanes(D());
  if constexpr (kLanes == 4) {
    return hn::LoadU(d, rows[0] + column);
  } else {
    const hn::Half<D> half;
    return hn::Combine(d, LoadBlocks(half, rows + kLanes / 2, column),
                       LoadBlocks(half, rows, column));
  }
}

template <class D>
HWY_INLINE void StoreBlocks(D d, hn::Vec<D> vector, float* const* rows, size_t column) {
  constexpr size_t kLanes = hn::MaxLanes(D());
  if constexpr (kLanes == 4) {
    hn::StoreU(vector, d, rows[0] + column);
  } else {
    const hn::Half<D> half;
    StoreBlocks(half, hn::LowerHalf(half, vector), rows, column);
    StoreBlocks(half, hn::UpperHalf(half, vector), rows + kLanes / 2, column);
  }
}

// Element c of block j of vector r becomes element r of block j of vector c.
template <class D>
HWY_INLINE void TransposeBlocks(D d, hn::Vec<D> (&v)[4]) {
  const hn::Repartition<double, D> pairs;
  const auto low_01 = hn::BitCast(pairs, hn::InterleaveLower(d, v[0], v[1]));
  const auto high_01 = hn::BitCast(pairs, hn::InterleaveUpper(d, v[0], v[1]));
  const auto low_23 = hn::BitCast(pairs, hn::InterleaveLower(d, v[2], v[3]));
  const auto high_23 = hn::BitCast(pairs, hn::InterleaveUpper(d, v[2], v[3]));
  v[0] = hn::BitCast(d, hn::InterleaveLower(pairs, low_01, low_23));
  v[1] = hn::BitCast(d, hn::InterleaveUpper(pairs, low_01, low_23));
  v[2] = hn::BitCast(d, hn::InterleaveLower(pairs, high_01, high_23));
  v[3] = hn::BitCast(d, hn::InterleaveUpper(pairs, high_01, high_23));
}

#endif  // HWY_TARGET != HWY_SCALAR

// columns[k, i] = rows[i][k] for k < size and i < kVectors vectors; `columns` is aligned.
template <size_t kVectors>
HWY_INLINE void LoadColumns(const float* const* rows, size_t size, float* columns) {
  const hn::ScalableTag<float> d;
  const size_t lanes = hn::Lanes(d);
  const size_t block = kVectors * lanes;
  size_t k = 0;
#if HWY_TARGET != HWY_SCALAR
  for (; k + 4 <= size; k += 4) {
    for (size_t first = 0; first < block; first += lanes) {
      hn::Vec<decltype(d)> v[4] = {
          LoadBlocks(d, rows + first, k), LoadBlocks(d, rows + first + 1, k),
          LoadBlocks(d, rows + first + 2, k), LoadBlocks(d, rows + first + 3, k)};
      TransposeBlocks(d, v);
      for (size_t c = 0; c < 4; ++c) hn::Store(v[c], d, columns + (k + c) * block + first);
    }
  }
#endif
  for (; k < size; ++k) {
    for (size_t i = 0; i < block; ++i) columns[k * block + i] = rows[i][k];
  }
}

// The inverse: rows[i][k] = columns[k, i].
template <size_t kVectors>
HWY_INLINE void StoreColumns(const float* columns, size_t size, float* const* rows) {
  const hn::ScalableTag<float> d;
  const size_t lanes = hn::Lanes(d);
  const size_t block = kVectors * lanes;
  size_t k = 0;
#if HWY_TARGET != HWY_SCALAR
  for (; k + 4 <= size; k += 4) {
    for (size_t first = 0; first < block; first += lanes) {
      const float* from = columns + k * block + first;
      hn::Vec<decltype(d)> v[4] = {hn::Load(d, from), hn::Load(d, from + block),
                                   hn::Load(d, from + 2 * block), hn::Load(d, from + 3 * block)};
      TransposeBlocks(d, v);
      for (size_t r = 0; r < 4; ++r) StoreBlocks(d, v[r], rows + first + r, k);
    }
  }
#endif
  for (; k < size; ++k) {
    for (size_t i = 0; i < block; ++i) rows[i][k] = columns[k * block + i];
  }
}

}  // namespace fathom::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // FATHOM_KERNELS_CPU_TRANSPOSE_INL_H_
