#include "kernels/cpu/adapter.h"

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
#include "kernels/cpu/matrix_tile-inl.h"
#include "kernels/cpu/transpose-inl.h"

HWY_BEFORE_NAMESPACE();
namespace fathom::kernels::HWY_NAMESPACE {

inline constexpr size_t kMostRows = kTileVectors * hn::MaxLanes(FloatTag());

// A tile's activations lie in columns: a row of the call is a lane, so that the weights are used as
// they are stored, each read once a tile, and LayerNorm adds up nothing across lanes.
struct Columns {
  float* sums;    // [H, block]: f + x, then f + x + A(input)
  float* input;   // [H, block]: f, then what the bottleneck reads
  float* hidden;  // [D, block]
};

// Where the lanes come from and go to.
struct TileRows {
  const float* dense[kMostRows];
  const float* residual[kMostRows];
  float* out[kMostRows];
};

// Lanes behind the tile's last row repeat it: they compute and write the same numbers.
HWY_INLINE TileRows FindRows(const AdapterLayerNorm& call, const AdapterTile& tile, size_t block) {
  TileRows rows;
  const auto count = static_cast<size_t>(tile.count);
  const int64_t width = call.hidden_size;
  const AdapterSegment* segment = call.segments + tile.segment;
  int64_t row = tile.first;
  for (size_t i = 0; i < block; ++i) {
    rows.dense[i] = call.dense + (segment->rows.src_first + row) * width;
    rows.residual[i] = call.residual + (segment->rows.residual_first + row) * width;
    rows.out[i] = call.out + (segment->rows.dst_first + row) * width;
    if (i + 1 >= count) continue;
    for (++row; row == segment->rows.count; row = 0) ++segment;
  }
  return rows;
}

// sums = f + x; input is f, or x if that is what the bottleneck reads.
template <size_t kVectors>
HWY_INLINE void AddInputs(const TileRows& rows, size_t size, BottleneckInput kind,
                          const Columns& to) {
  const FloatTag d;
  LoadColumns<kVectors>(rows.dense, size, to.input);
  LoadColumns<kVectors>(rows.residual, size, to.sums);
  for (size_t i = 0; i < size * kVectors * hn::Lanes(d); i += hn::Lanes(d)) {
    const FloatVec residual = hn::Load(d, to.sums + i);
    hn::Store(hn::Add(hn::Load(d, to.input + i), residual), d, to.sums + i);
    if (kind == BottleneckInput::kResidual) hn::Store(residual, d, to.input + i);
  }
}

// to = LayerNorm(from) of every lane; they may be equal.
template <size_t kVectors>
HWY_INLINE void NormaliseColumns(const AdapterLayerNorm& call, const float* from, float* to) {
  const FloatTag d;
  const size_t lanes = hn::Lanes(d);
  const size_t block = kVectors * lanes;
  const auto size = static_cast<size_t>(call.hidden_size);
  const FloatVec inverse_size = hn::Set(d, 1.0f / static_cast<float>(size));
  for (size_t first = 0; first < block; first += lanes) {
    FloatVec sum = hn::Zero(d);
    for (size_t k = 0; k < size; ++k) sum = hn::Add(sum, hn::Load(d, from + k * block + first));
    // The mean up to the rounding of a sum of large numbers. Differences from it are small and
    // exact, so what it lacks is taken from them.
    const FloatVec center = hn::Mul(sum, inverse_size);
    FloatVec differences = hn::Zero(d);
    FloatVec squares = hn::Zero(d);
    for (size_t k = 0; k < size; ++k) {
      const FloatVec difference = hn::Sub(hn::Load(d, from + k * block + first), center);
      differences = hn::Add(differences, difference);
      squares = hn::MulAdd(difference, difference, squares);
    }
    const FloatVec correction = hn::Mul(differences, inverse_size);
    const FloatVec variance = hn::NegMulAdd(correction, correction, hn::Mul(squares, inverse_size));
    const FloatVec positive = hn::IfThenElse(hn::Lt(variance, hn::Zero(d)), hn::Zero(d), variance);
    const FloatVec factor =
        hn::Div(hn::Set(d, 1.0f), hn::Sqrt(hn::Add(positive, hn::Set(d, call.epsilon))));
    const FloatVec shift = hn::Neg(hn::Mul(correction, factor));
    for (size_t k = 0; k < size; ++k) {
      const FloatVec difference = hn::Sub(hn::Load(d, from + k * block + first), center);
      const FloatVec normalised = hn::MulAdd(difference, factor, shift);
      hn::Store(hn::MulAdd(normalised, hn::Set(d, call.gamma[k]), hn::Set(d, call.beta[k])), d,
                to + k * block + first);
    }
  }
}

struct DownSink {
  float* hidden;
  size_t block;
  const float* bias;
  HWY_INLINE void operator()(size_t row, size_t vector, FloatVec sums) const {
    const FloatTag d;
    hn::Store(hn::Add(sums, hn::Set(d, bias[row])), d,
              hidden + row * block + vector * hn::Lanes(d));
  }
};

struct UpSink {
  float* sums;
  size_t block;
  const float* bias;
  float scaling;
  HWY_INLINE void operator()(size_t row, size_t vector, FloatVec products) const {
    const FloatTag d;
    float* at = sums + row * block + vector * hn::Lanes(d);
    const FloatVec delta = hn::Add(products, hn::Set(d, bias[row]));
    hn::Store(hn::MulAdd(delta, hn::Set(d, scaling), hn::Load(d, at)), d, at);
  }
};

template <size_t kVectors>
HWY_NOINLINE void AdaptColumns(const AdapterLayerNorm& call, const AdapterTile& tile,
                               const Columns& columns) {
  const size_t block = kVectors * hn::Lanes(FloatTag());
  const Bottleneck& bottleneck = *call.segments[tile.segment].bottleneck;
  const auto size = static_cast<size_t>(call.hidden_size);
  const auto width = static_cast<size_t>(bottleneck.width);
  const TileRows rows = FindRows(call, tile, block);

  AddInputs<kVectors>(rows, size, bottleneck.input, columns);
  if (bottleneck.input == BottleneckInput::kNormalizedSum) {
    NormaliseColumns<kVectors>(call, columns.sums, columns.input);
  }
  MultiplyRows<kVectors>(width, RowMajor{bottleneck.down_weight, size},
                         RightFactor{columns.input, block, size},
                         DownSink{columns.hidden, block, bottleneck.down_bias});
  Activate(bottleneck.activation, columns.hidden, width * block);
  MultiplyRows<kVectors>(size, RowMajor{bottleneck.up_weight, width},
                         RightFactor{columns.hidden, block, width},
                         UpSink{columns.sums, block, bottleneck.up_bias, bottleneck.scaling});
  NormaliseColumns<kVectors>(call, columns.sums, columns.sums);
  StoreColumns<kVectors>(columns.sums, size, rows.out);
}

int64_t RowsOfVector() { return static_cast<int64_t>(hn::Lanes(FloatTag())); }

// At most kTileVectors · RowsOfVector() rows.
void AdaptTile(const AdapterLayerNorm& call, const AdapterTile& tile) {
  const size_t lanes = hn::Lanes(FloatTag());
  const size_t block = kTileVectors * lanes;
  const auto size = static_cast<size_t>(call.hidden_size);
  const auto width = static_cast<size_t>(call.segments[tile.segment].bottleneck->width);
  float* scratch = ThreadScratch((2 * size + width) * block);
  const Columns columns{scratch, scratch + size * block, scratch + 2 * size * block};
  if (static_cast<size_t>(tile.count) > lanes) {
    AdaptColumns<kTileVectors>(call, tile, columns);
  } else {
    AdaptColumns<1>(call, tile, columns);
  }
}

}  // namespace fathom::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fathom::kernels {
namespace {

HWY_EXPORT(RowsOfVector);
HWY_EXPORT(AdaptTile);

}  // namespace

void CpuAdapterLayerNorm(const AdapterLayerNorm& call, int threads) {
  const int64_t lanes = HWY_DYNAMIC_DISPATCH(RowsOfVector)();
  thread_local std::vector<AdapterTile> tiles_of_thread;  // grows, then is reused
  std::vector<AdapterTile>& tiles = tiles_of_thread;      // of this thread, in the others too
  CutIntoTiles(call, {lanes, 2 * lanes}, threads, tiles);
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
