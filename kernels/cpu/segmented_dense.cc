#include "kernels/cpu/segmented_dense.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <vector>

#include "kernels/cpu/scratch.h"
#include "kernels/cpu/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/segmented_dense.cc"
#include <hwy/foreach_target.h>
// After foreach_target.h.
#include <hwy/highway.h>

#include "kernels/cpu/activation-inl.h"
#include "kernels/cpu/dot_tile-inl.h"

HWY_BEFORE_NAMESPACE();
namespace fathom::kernels::HWY_NAMESPACE {

// Outputs [first, last) of a segment.
void ComputeOutputs(const DenseSegment& segment, int64_t first, int64_t last) {
  MultiplyDense(segment, static_cast<size_t>(first), static_cast<size_t>(last));
  if (segment.activation == Activation::kIdentity) return;
  const size_t lanes = hn::Lanes(hn::ScalableTag<float>());
  const auto size = static_cast<size_t>(last - first);
  const size_t padded = (size + lanes - 1) / lanes * lanes;
  float* values = ThreadScratch(padded);
  std::fill(values + size, values + padded, 0.0f);
  for (int64_t row = 0; row < segment.count; ++row) {
    float* y = segment.y + row * segment.y_stride + first;
    std::memcpy(values, y, size * sizeof(float));
    Activate(segment.activation, values, padded);
    std::memcpy(y, values, size * sizeof(float));
  }
}

}  // namespace fathom::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fathom::kernels {
namespace {

HWY_EXPORT(ComputeOutputs);

// What one thread computes at a time, about so many weights.
constexpr int64_t kBlockWeights = 32 * 1024;
// Blocks start at multiples of this, the outputs of a tile.
constexpr int64_t kBlockGrain = 4;

// Reading fewer weights than this takes less time than waking another thread.
constexpr int64_t kSerialWeights = 64 * 1024;

struct OutputBlock {
  const DenseSegment* segment;
  int64_t first;
  int64_t last;
};

void CutIntoBlocks(const SegmentedDense& call, std::vector<OutputBlock>& blocks) {
  blocks.clear();
  for (const DenseSegment* segment = call.segments; segment < call.segments + call.segment_count;
       ++segment) {
    if (segment->count == 0) continue;
    const int64_t rows = kBlockWeights / std::max<int64_t>(segment->in, 1) / kBlockGrain;
    const int64_t step = kBlockGrain * std::max<int64_t>(rows, 1);
    for (int64_t first = 0; first < segment->out; first += step) {
      blocks.push_back({segment, first, std::min(first + step, segment->out)});
    }
  }
}

bool IsWorthThreads(const SegmentedDense& call) {
  int64_t weights = 0;
  for (int64_t i = 0; i < call.segment_count && weights < kSerialWeights; ++i) {
    const DenseSegment& segment = call.segments[i];
    if (segment.count > 0) weights += segment.in * segment.out;
  }
  return weights >= kSerialWeights;
}

}  // namespace

void CpuSegmentedDense(const SegmentedDense& call, int threads) {
  thread_local std::vector<OutputBlock> blocks_of_thread;  // grows, then is reused
  std::vector<OutputBlock>& blocks = blocks_of_thread;     // of this thread, in the others too
  CutIntoBlocks(call, blocks);
  const auto compute = &HWY_DYNAMIC_DISPATCH(ComputeOutputs);
  const auto count = static_cast<int64_t>(blocks.size());
  const int useful_threads =
      IsWorthThreads(call) ? static_cast<int>(std::min<int64_t>(threads, count)) : 1;
  if (useful_threads <= 1) {
    for (const OutputBlock& block : blocks) compute(*block.segment, block.first, block.last);
    return;
  }
  const int64_t grain = std::max<int64_t>(1, count / (32 * useful_threads));
#pragma omp parallel for num_threads(useful_threads) schedule(dynamic, grain)
  for (int64_t i = 0; i < count; ++i) {
    const OutputBlock& block = blocks[static_cast<size_t>(i)];
    compute(*block.segment, block.first, block.last);
  }
}

}  // namespace fathom::kernels
#endif  // HWY_ONCE
