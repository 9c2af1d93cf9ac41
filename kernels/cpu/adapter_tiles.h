// How the rows of one adapter call are cut into tiles that one thread computes. Pure functions.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/kernels.h"

namespace fathom::kernels {

// Rows of the largest tile: enough for the weights that a tile transposes to pay, and two buffers
// of so many rows fit into a core's cache.
inline constexpr int64_t kAdapterTileRows = 32;

// `count` rows of one bottleneck, from row `first` of segment `segment` on. They may go on in the
// segments behind it.
struct AdapterTile {
  int64_t segment;
  int64_t first;
  int64_t count;
};

// Rows of a tile: a multiple of `smallest`, `largest` where that is enough to keep `threads`
// threads busy.
struct AdapterTileRows {
  int64_t smallest;
  int64_t largest;
};

// Replaces `tiles` by those of the call: every row of it once, in order. A tile ends where the next
// segment has another bottleneck.
void CutIntoTiles(const AdapterLayerNorm& call, const AdapterTileRows& rows, int threads,
                  std::vector<AdapterTile>& tiles);

// The outputs of a bottleneck's first product and the inputs of its second.
inline int64_t DownRows(const Bottleneck& bottleneck) {
  return bottleneck.members == nullptr ? bottleneck.width
                                       : 2 * bottleneck.width + bottleneck.member_count;
}
inline int64_t UpColumns(const Bottleneck& bottleneck) {
  return bottleneck.members == nullptr ? bottleneck.width
                                       : bottleneck.width + bottleneck.member_count;
}

// How many of the threads that the call may use are worth waking.
int UsefulThreads(const AdapterLayerNorm& call, const std::vector<AdapterTile>& tiles, int threads);

}  // namespace fathom::kernels
