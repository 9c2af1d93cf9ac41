#include "kernels/cpu/cls_parts.h"

#include <algorithm>

namespace fathom::kernels {
namespace {

constexpr int64_t kPartsPerThread = 4;

}  // namespace

ClsPart ClsParts::At(int64_t i) const {
  const int64_t first = i % steps() * step;
  return {i / steps(), first, std::min(first + step, size)};
}

ClsParts CutIntoParts(int64_t count, int64_t size, int64_t grain, int threads) {
  ClsParts parts{count, size, size};
  while (threads > 1 && parts.total() < kPartsPerThread * threads && parts.step > grain) {
    const int64_t half = (parts.step + 1) / 2;
    parts.step = (half + grain - 1) / grain * grain;
  }
  return parts;
}

}  // namespace fathom::kernels
