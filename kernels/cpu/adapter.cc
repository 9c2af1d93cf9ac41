#include "kernels/cpu/adapter.h"

#include <algorithm>
#include <cstddef>
#include <vector>

#include "kernels/cpu/adapter_tiles.h"
#include "kernels/cpu/scratch.h"
#include "kernels/cpu/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/adapter.cc"
#include <hwy/foreach_target.h>
// After foreach_target.h.
#include <hwy/highway.h>

#include "kernels/cpu/activation-inl.h"
#include "kernels/cpu/dot_tile-inl.h"
#include "kernels/cpu/fusion-inl.h"
#include "kernels/cpu/layer_norm-inl.h"
#include "kernels/cpu/matrix_tile-inl.h"
#include "kernels/cpu/transpose-inl.h"

HWY_BEFORE_NAMESPACE();
namespace fathom::kernels::HWY_NAMESPACE {

// Working memory of a tile. Rows of sums and input are `stride` floats apart, whole panels.
struct Buffers {
  size_t stride;
  float* sums;     // [rows, stride]: f + x, then f + x + A(input)
  float* input;    // [rows, stride]: LN(f + x)
  float* hidden;   // what ProjectDown or ProjectFused takes
  float* columns;  // [inputs of the up product, panel]
  float* bias;     // [panel]
};

// Where the rows of a tile come from and go to.
struct TileRows {
  const float* dense[kAdapterTileRows];
  const float* residual[kAdapterTileRows];
  float* out[kAdapterTileRows];
  const float* input[kAdapterTileRows];  // what the bottleneck reads
};

HWY_INLINE void FindRows(const AdapterLayerNorm& call, const AdapterTile& tile, TileRows& rows) {
  const int64_t width = call.hidden_size;
  const AdapterSegment* segment = call.segments + tile.segment;
  int64_t row = tile.first;
  for (int64_t i = 0; i < tile.count; ++i, ++row) {
    for (; row == segment->rows.count; row = 0) ++segment;
    rows.dense[i] = call.dense + (segment->rows.src_first + row) * width;
    rows.residual[i] = call.residual + (segment->rows.residual_first + row) * width;
    rows.out[i] = call.out + (segment->rows.dst_first + row) * width;
  }
}

// sums = f + x, and what the bottleneck reads.
HWY_INLINE void AddInputs(const Norm& norm, BottleneckInput input, size_t count,
                          const Buffers& buffers, TileRows& rows) {
  for (size_t i = 0; i < count; ++i) {
    float* sums = buffers.sums + i * buffers.stride;
    const float sum = AddRows(rows.dense[i], rows.residual[i], sums, norm.size);
    switch (input) {
      case BottleneckInput::kDense:
        rows.input[i] = rows.dense[i];
        break;
      case BottleneckInput::kResidual:
        rows.input[i] = rows.residual[i];
        break;
      case BottleneckInput::kNormalizedSum:
        float* normalised = buffers.input + i * buffers.stride;
        NormaliseRow(norm, sum, sums, normalised);
        rows.input[i] = normalised;
        break;
    }
  }
}

// Rows [first, first + outputs) of the down product.
struct DownBlock {
  size_t first;
  size_t outputs;
  Activation activation;
};

// hidden [rows, outputs], in whole vectors, = activation(down_weight · input + down_bias)
HWY_NOINLINE void ProjectDown(const Bottleneck& by, const DownBlock& block, size_t size,
                              size_t count, const TileRows& rows, float* hidden) {
  const size_t width = block.outputs;
  const float* bias = by.down_bias + block.first;
  DotRowsWith([&rows](size_t row) HWY_ATTR { return rows.input[row]; }, count, size,
              by.down_weight + block.first * size, width,
              [=](size_t row, size_t output, float product)
                  HWY_ATTR { hidden[row * width + output] = product + bias[output]; });
  const size_t values = count * width;
  const size_t padded = WholeVectors(values);
  for (size_t i = values; i < padded; ++i) hidden[i] = 0.0f;
  Activate(block.activation, hidden, padded);
}

// The same for a fusion, up to what its up product reads: [p_j h_j | p_j] of each row.
HWY_NOINLINE RowMajor ProjectFused(const Bottleneck& by, size_t size, size_t count,
                                   const TileRows& rows, float* memory) {
  const auto width = static_cast<size_t>(by.width);
  const auto members = static_cast<size_t>(by.member_count);
  const FusedRows fused = CutFusedRows(by, count, memory);
  size_t first = 0;
  float* hidden = fused.hidden;
  for (size_t j = 0; j < members; ++j) {
    const auto outputs = static_cast<size_t>(by.members[j].width);
    ProjectDown(by, {first, outputs, by.members[j].activation}, size, count, rows, hidden);
    first += outputs;
    hidden += WholeVectors(count * outputs);
  }
  ProjectDown(by, {width, width, Activation::kIdentity}, size, count, rows, fused.scorers);
  ProjectDown(by, {2 * width, members, Activation::kIdentity}, size, count, rows, fused.weights);
  MixMembers(by, count, fused);
  return {fused.mixed, width + members};
}

// Adds scaling · (product + bias) to a panel of the sums.
struct UpSink {
  float* sums;
  size_t stride;
  const float* bias;
  float scaling;
  HWY_INLINE void operator()(size_t row, size_t vector, FloatVec products) const {
    const FloatTag d;
    const size_t column = vector * hn::Lanes(d);
    float* at = sums + row * stride + column;
    const FloatVec delta = hn::Add(products, hn::Load(d, bias + column));
    hn::Store(hn::MulAdd(delta, hn::Set(d, scaling), hn::Load(d, at)), d, at);
  }
};

// Asks for weights that are needed soon.
HWY_INLINE void PrefetchFloats(const float* from, size_t count) {
  for (size_t i = 0; i < count; i += 16) hwy::Prefetch(from + i);
}

// sums += scaling · (up_weight · hidden + up_bias), a panel of columns at a time. The weights of a
// panel are transposed, so that a lane is an output: a bottleneck is too narrow for sums across
// lanes. Lanes behind the last output repeat it.
HWY_NOINLINE void AddProjectedUp(const Bottleneck& by, const RowMajor& hidden, size_t size,
                                 size_t count, const Buffers& buffers) {
  constexpr size_t kPanel = kTileVectors * hn::MaxLanes(FloatTag());
  const size_t width = hidden.row_stride;
  const bool is_fused = by.members != nullptr;
  for (size_t column = 0; column < size; column += kPanel) {
    const size_t outputs = std::min(kPanel, size - column);
    PrefetchFloats(by.up_weight + (column + outputs) * width, kPanel * width);
    const float* weights[kPanel];
    for (size_t i = 0; i < kPanel; ++i) {
      const size_t output = column + std::min(i, outputs - 1);
      weights[i] = by.up_weight + output * width;
      buffers.bias[i] = is_fused ? 0.0f : by.up_bias[output];
    }
    LoadColumns<kTileVectors>(weights, width, buffers.columns);
    MultiplyRows<kTileVectors>(
        count, hidden, RightFactor{buffers.columns, kPanel, width},
        UpSink{buffers.sums + column, buffers.stride, buffers.bias, is_fused ? 1.0f : by.scaling});
  }
}

// At most kAdapterTileRows rows.
void AdaptTile(const AdapterLayerNorm& call, const AdapterTile& tile) {
  constexpr size_t kPanel = kTileVectors * hn::MaxLanes(FloatTag());
  const Bottleneck& bottleneck = *call.segments[tile.segment].bottleneck;
  const Norm norm{call.gamma, call.beta, call.epsilon, static_cast<size_t>(call.hidden_size)};
  const auto count = static_cast<size_t>(tile.count);
  const auto width = static_cast<size_t>(UpColumns(bottleneck));
  const bool is_fused = bottleneck.members != nullptr;
  Buffers buffers;
  buffers.stride = (norm.size + kPanel - 1) / kPanel * kPanel;
  const size_t hidden_size =
      is_fused ? FusedRowsSize(bottleneck, count) : WholeVectors(count * width);
  buffers.sums = ThreadScratch(2 * count * buffers.stride + hidden_size + width * kPanel + kPanel);
  buffers.input = buffers.sums + count * buffers.stride;
  buffers.hidden = buffers.input + count * buffers.stride;
  buffers.columns = buffers.hidden + hidden_size;
  buffers.bias = buffers.columns + width * kPanel;

  TileRows rows;
  FindRows(call, tile, rows);
  AddInputs(norm, bottleneck.input, count, buffers, rows);
  RowMajor hidden{buffers.hidden, width};
  if (is_fused) {
    hidden = ProjectFused(bottleneck, norm.size, count, rows, buffers.hidden);
  } else {
    ProjectDown(bottleneck, {0, width, bottleneck.activation}, norm.size, count, rows,
                buffers.hidden);
  }
  AddProjectedUp(bottleneck, hidden, norm.size, count, buffers);
  for (size_t i = 0; i < count; ++i) {
    const float* sums = buffers.sums + i * buffers.stride;
    NormaliseRow(norm, SumOfRow(sums, norm.size), sums, rows.out[i]);
  }
}

}  // namespace fathom::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fathom::kernels {
namespace {

HWY_EXPORT(AdaptTile);

}  // namespace

void CpuAdapterLayerNorm(const AdapterLayerNorm& call, int threads) {
  thread_local std::vector<AdapterTile> tiles_of_thread;  // grows, then is reused
  std::vector<AdapterTile>& tiles = tiles_of_thread;      // of this thread, in the others too
  CutIntoTiles(call, {kAdapterTileRows / 2, kAdapterTileRows}, threads, tiles);
  const auto adapt = &HWY_DYNAMIC_DISPATCH(AdaptTile);
  const int useful_threads = UsefulThreads(call, tiles, threads);
  if (useful_threads <= 1) {
    for (const AdapterTile& tile : tiles) adapt(call, tile);
    return;
  }
#pragma omp parallel for num_threads(useful_threads) schedule(dynamic, 1)
  for (size_t i = 0; i < tiles.size(); ++i) adapt(call, tiles[i]);
}

}  // namespace fathom::kernels
#endif  // HWY_ONCE
