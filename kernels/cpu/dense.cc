#include "kernels/cpu/dense.h"

#include <algorithm>
#include <cstddef>

#include "kernels/cpu/scratch.h"
#include "kernels/cpu/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/dense.cc"
#include <hwy/foreach_target.h>
// After foreach_target.h.
#include <hwy/highway.h>

#include "kernels/cpu/activation-inl.h"
#include "kernels/cpu/panel_tile-inl.h"

HWY_BEFORE_NAMESPACE();
namespace fathom::kernels::HWY_NAMESPACE {

// Inputs of a block. Its weights stay in a near cache while the tiles of rows take turns, and the
// next block is fetched from memory meanwhile.
inline constexpr size_t kMostDepth = 128;

// Rows whose sums, and whose inputs of a block, fit into a near cache beside a panel.
inline constexpr int64_t kMostRowsATurn = 192;

int64_t DensePanelWidth() { return static_cast<int64_t>(kPanelWidth); }

// Panel after panel: [in, kPanelWidth], with zeros in the columns that the last one lacks. A few
// inputs of all its columns at a time: a cache line of each is read once.
void PackPanels(const float* weight, size_t in, size_t out, float* packed) {
  constexpr size_t kInputs = kLineBytes / sizeof(float);
  for (size_t first = 0; first < out; first += kPanelWidth) {
    const size_t columns = std::min(kPanelWidth, out - first);
    for (size_t begin = 0; begin < in; begin += kInputs) {
      const size_t count = std::min(kInputs, in - begin);
      for (size_t c = 0; c < columns; ++c) {
        const float* from = weight + (first + c) * in + begin;
        for (size_t k = 0; k < count; ++k) packed[k * kPanelWidth + c] = from[k];
      }
      for (size_t k = 0; k < count; ++k) {
        std::fill(packed + columns, packed + kPanelWidth, 0.0f);
        packed += kPanelWidth;
      }
    }
  }
}

// Inputs [first, first + depth) of a panel.
struct PanelBlock {
  const float* weights;
  size_t first;
  size_t depth;
  bool more;  // weights of this thread follow
};

// sums += x · block for all rows, in tiles of nearly equal height.
HWY_INLINE void MultiplyBlock(const PackedDense& call, const PanelBlock& block, float* sums) {
  const auto rows = static_cast<size_t>(call.rows);
  const auto in = static_cast<size_t>(call.in);
  const size_t tiles = (rows + kPanelRows - 1) / kPanelRows;
  const size_t row_bytes = kPanelWidth * sizeof(float);
  // Blocks are of nearly equal size, so as many bytes behind this one are the next one. The last
  // one of a thread asks for a line that it has.
  Ahead ahead{reinterpret_cast<const char*>(block.weights), 0};
  if (block.more) ahead = {ahead.next + block.depth * row_bytes, (row_bytes + tiles - 1) / tiles};
  for (size_t tile = 0; tile < tiles; ++tile) {
    const size_t row = rows * tile / tiles;
    const size_t end = rows * (tile + 1) / tiles;
    MultiplyPanelRows(end - row, {call.x + row * in + block.first, in, block.weights, block.depth,
                                  sums + row * kPanelWidth, ahead});
    ahead.next += block.depth * ahead.step;
  }
}

// Columns [first, first + count) of y.
struct PanelColumns {
  size_t first;
  size_t count;
};

HWY_INLINE void StartSums(const PackedDense& call, const PanelColumns& columns, float* sums) {
  for (int64_t row = 0; row < call.rows; ++row) {
    float* end = std::copy_n(call.bias + columns.first, columns.count, sums);
    sums += kPanelWidth;
    std::fill(end, sums, 0.0f);
  }
}

HWY_INLINE void StoreSums(const PackedDense& call, const PanelColumns& columns, float* sums) {
  Activate(call.activation, sums, static_cast<size_t>(call.rows) * kPanelWidth);
  for (int64_t row = 0; row < call.rows; ++row) {
    std::copy_n(sums, columns.count, call.y + row * call.out + columns.first);
    sums += kPanelWidth;
  }
}

// The part of a call that is rows [first, last).
HWY_INLINE PackedDense RowsOf(const PackedDense& call, int64_t first, int64_t last) {
  PackedDense part = call;
  part.x += first * call.in;
  part.y += first * call.out;
  part.rows = last - first;
  return part;
}

// One panel for the rows of `call`.
HWY_INLINE void MultiplyPanel(const PackedDense& call, size_t panel, bool more_panels,
                              float* sums) {
  const auto in = static_cast<size_t>(call.in);
  const size_t blocks = (in + kMostDepth - 1) / kMostDepth;
  const size_t column = panel * kPanelWidth;
  const PanelColumns columns{column, std::min(kPanelWidth, static_cast<size_t>(call.out) - column)};
  StartSums(call, columns, sums);
  for (size_t block = 0; block < blocks; ++block) {
    const size_t begin = in * block / blocks;
    const size_t end = in * (block + 1) / blocks;
    MultiplyBlock(call,
                  {call.packed_weight + (panel * in + begin) * kPanelWidth, begin, end - begin,
                   end < in || more_panels},
                  sums);
  }
  StoreSums(call, columns, sums);
}

// Panels [first, last), whose weights lie one after the other. Many rows take turns at a panel, so
// that their sums stay in a near cache.
void MultiplyPanels(const PackedDense& call, size_t first, size_t last) {
  const int64_t turns = (call.rows + kMostRowsATurn - 1) / kMostRowsATurn;
  float* sums =
      ThreadScratch(static_cast<size_t>(std::min(call.rows, kMostRowsATurn)) * kPanelWidth);
  for (size_t panel = first; panel < last; ++panel) {
    for (int64_t turn = 0; turn < turns; ++turn) {
      const PackedDense rows =
          RowsOf(call, call.rows * turn / turns, call.rows * (turn + 1) / turns);
      MultiplyPanel(rows, panel, panel + 1 < last, sums);
    }
  }
}

}  // namespace fathom::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fathom::kernels {
namespace {

HWY_EXPORT(DensePanelWidth);
HWY_EXPORT(PackPanels);
HWY_EXPORT(MultiplyPanels);

int64_t Panels(int64_t out) {
  const int64_t width = HWY_DYNAMIC_DISPATCH(DensePanelWidth)();
  return (out + width - 1) / width;
}

}  // namespace

int64_t CpuPackedDenseFloats(int64_t in, int64_t out) {
  const int64_t width = HWY_DYNAMIC_DISPATCH(DensePanelWidth)();
  return Panels(out) * width * in;
}

void CpuPackDense(const float* weight, int64_t in, int64_t out, float* packed) {
  HWY_DYNAMIC_DISPATCH(PackPanels)
  (weight, static_cast<size_t>(in), static_cast<size_t>(out), packed);
}

void CpuPackedDense(const PackedDense& call, int threads) {
  if (call.rows == 0) return;
  const int64_t panels = Panels(call.out);
  const auto multiply = &HWY_DYNAMIC_DISPATCH(MultiplyPanels);
  const int64_t parts = std::min<int64_t>(panels, threads);
  if (parts <= 1) {
    multiply(call, 0, static_cast<size_t>(panels));
    return;
  }
  // A thread's panels are neighbours, so that it reads one sequential stream.
#pragma omp parallel for num_threads(static_cast <int>(parts)) schedule(static)
  for (int64_t part = 0; part < parts; ++part) {
    multiply(call, static_cast<size_t>(panels * part / parts),
             static_cast<size_t>(panels * (part + 1) / parts));
  }
}

}  // namespace fathom::kernels
#endif  // HWY_ONCE
