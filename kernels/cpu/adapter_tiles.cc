#include "kernels/cpu/adapter_tiles.h"

#include <algorithm>

namespace fathom::kernels {
namespace {

// Tiles of different bottlenecks differ in time, so a thread should have a few.
constexpr int64_t kTilesPerThread = 2;

// Reading fewer weights than this takes less time than waking another thread.
constexpr int64_t kSerialWeights = 64 * 1024;

// The rows of the run of segments that starts at `segment` and shares a bottleneck, in tiles of
// `tile_rows`. Returns the segment behind the run.
int64_t CutRun(const AdapterLayerNorm& call, int64_t segment, int64_t tile_rows,
               std::vector<AdapterTile>& tiles) {
  const Bottleneck* bottleneck = call.segments[segment].bottleneck;
  int64_t room = 0;  // in the last tile
  for (; segment < call.segment_count && call.segments[segment].bottleneck == bottleneck;
       ++segment) {
    const int64_t rows = call.segments[segment].rows.count;
    for (int64_t first = 0; first < rows;) {
      if (room == 0) {
        tiles.push_back({segment, first, 0});
        room = tile_rows;
      }
      const int64_t taken = std::min(room, rows - first);
      tiles.back().count += taken;
      room -= taken;
      first += taken;
    }
  }
  return segment;
}

}  // namespace

void CutIntoTiles(const AdapterLayerNorm& call, const AdapterTileRows& rows, int threads,
                  std::vector<AdapterTile>& tiles) {
  const auto enough = static_cast<size_t>(threads <= 1 ? 0 : kTilesPerThread * threads);
  for (int64_t tile_rows = rows.largest;; tile_rows = rows.smallest) {
    tiles.clear();
    for (int64_t segment = 0; segment < call.segment_count;) {
      segment = CutRun(call, segment, tile_rows, tiles);
    }
    if (tiles.size() >= enough || tile_rows == rows.smallest) return;
  }
}

int UsefulThreads(const AdapterLayerNorm& call, const std::vector<AdapterTile>& tiles,
                  int threads) {
  int64_t weights = 0;
  for (const AdapterTile& tile : tiles) {
    const Bottleneck& bottleneck = *call.segments[tile.segment].bottleneck;
    weights += call.hidden_size * (DownRows(bottleneck) + UpColumns(bottleneck));
  }
  if (weights < kSerialWeights) return 1;
  return static_cast<int>(std::min<int64_t>(threads, static_cast<int64_t>(tiles.size())));
}

}  // namespace fathom::kernels
