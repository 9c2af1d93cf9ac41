// The multiply-add loop of packed_dense: a tile of rows times a block of a panel of weights, which
// asks for the weights of the next block meanwhile. Included once for each Highway target.

#if defined(FATHOM_KERNELS_CPU_PANEL_TILE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef FATHOM_KERNELS_CPU_PANEL_TILE_INL_H_
#undef FATHOM_KERNELS_CPU_PANEL_TILE_INL_H_
#else
#define FATHOM_KERNELS_CPU_PANEL_TILE_INL_H_
#endif

#include <hwy/highway.h>

#include <cstddef>

HWY_BEFORE_NAMESPACE();
namespace fathom::kernels::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

using PanelTag = hn::ScalableTag<float>;
using PanelVec = hn::Vec<PanelTag>;

// A panel is kPanelVectors vectors of output columns; a tile has at most kPanelRows rows of it.
// Enough independent sums to hide the latency of a multiply-add, few enough for the register file.
#if HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX3_DL || HWY_TARGET == HWY_NEON
inline constexpr size_t kPanelVectors = 4;  // 32 registers
inline constexpr size_t kPanelRows = 6;
#elif HWY_TARGET == HWY_AVX2
inline constexpr size_t kPanelVectors = 3;  // 16 registers
inline constexpr size_t kPanelRows = 4;
#else
inline constexpr size_t kPanelVectors = 2;  // 16 registers, and a product needs one of its own
inline constexpr size_t kPanelRows = 4;
#endif
inline constexpr size_t kPanelWidth = kPanelVectors * hn::MaxLanes(PanelTag());

inline constexpr size_t kLineBytes = 64;  // of a cache
static_assert(kPanelWidth * sizeof(float) <= 4 * kLineBytes, "a step asks for four lines at most");

// Into the second-level cache: the first is full of the block in use.
HWY_INLINE void FetchLine(const char* line) { __builtin_prefetch(line, /*write=*/0, 2); }

// Weights to fetch from memory while others are multiplied: `step` bytes for each step of the depth
// loop.
struct Ahead {
  const char* next;
  size_t step;
};

// sums += x · weights
struct PanelTile {
  const float* x;  // [rows, depth], rows x_stride apart
  size_t x_stride;
  const float* weights;  // [depth, kPanelWidth]
  size_t depth;
  float* sums;  // [rows, kPanelWidth], aligned
  Ahead ahead;
};

// A step of the depth loop asks for kAheadLines cache lines.
template <size_t kRows, size_t kAheadLines>
HWY_NOINLINE void MultiplyPanelTile(const PanelTile& tile) {
  const PanelTag d;
  PanelVec sums[kRows][kPanelVectors];
  HWY_UNROLL(16)
  for (size_t r = 0; r < kRows; ++r) {
    HWY_UNROLL(16)
    for (size_t v = 0; v < kPanelVectors; ++v) {
      sums[r][v] = hn::Load(d, tile.sums + r * kPanelWidth + v * hn::Lanes(d));
    }
  }
  const float* weights = tile.weights;
  const float* x = tile.x;
  const size_t x_stride = tile.x_stride;
  Ahead ahead = tile.ahead;
  for (const float* end = x + tile.depth; x != end; ++x) {
    HWY_UNROLL(16)
    for (size_t line = 0; line < kAheadLines; ++line) FetchLine(ahead.next + line * kLineBytes);
    ahead.next += ahead.step;
    PanelVec columns[kPanelVectors];
    HWY_UNROLL(16)
    for (size_t v = 0; v < kPanelVectors; ++v) {
      columns[v] = hn::LoadU(d, weights + v * hn::Lanes(d));
    }
    weights += kPanelWidth;
    HWY_UNROLL(16)
    for (size_t r = 0; r < kRows; ++r) {
      const PanelVec factor = hn::Set(d, x[r * x_stride]);
      HWY_UNROLL(16)
      for (size_t v = 0; v < kPanelVectors; ++v) {
        sums[r][v] = hn::MulAdd(factor, columns[v], sums[r][v]);
      }
    }
  }
  HWY_UNROLL(16)
  for (size_t r = 0; r < kRows; ++r) {
    HWY_UNROLL(16)
    for (size_t v = 0; v < kPanelVectors; ++v) {
      hn::Store(sums[r][v], d, tile.sums + r * kPanelWidth + v * hn::Lanes(d));
    }
  }
}

template <size_t kAheadLines, size_t kRows = kPanelRows>
HWY_INLINE void MultiplyPanelTileOf(size_t rows, const PanelTile& tile) {
  if (rows == kRows) {
    MultiplyPanelTile<kRows, kAheadLines>(tile);
  } else if constexpr (kRows > 1) {
    MultiplyPanelTileOf<kAheadLines, kRows - 1>(rows, tile);
  }
}

// A tile of `rows` rows, 1 to kPanelRows.
HWY_INLINE void MultiplyPanelRows(size_t rows, const PanelTile& tile) {
  if (tile.ahead.step <= kLineBytes) {
    MultiplyPanelTileOf<1>(rows, tile);
  } else if (tile.ahead.step <= 2 * kLineBytes) {
    MultiplyPanelTileOf<2>(rows, tile);
  } else {
    MultiplyPanelTileOf<4>(rows, tile);
  }
}

}  // namespace fathom::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // FATHOM_KERNELS_CPU_PANEL_TILE_INL_H_
