#include "kernels/cpu/layer_norm.h"

#include <algorithm>
#include <cstddef>

#include "kernels/cpu/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/layer_norm.cc"
#include <hwy/foreach_target.h>
// After foreach_target.h.
#include <hwy/highway.h>

#include "kernels/cpu/layer_norm-inl.h"

HWY_BEFORE_NAMESPACE();
namespace fathom::kernels::HWY_NAMESPACE {

void NormaliseRows(const ResidualLayerNorm& call, const RowCopy& rows) {
  const int64_t width = call.hidden_size;
  const Norm norm{call.gamma, call.beta, call.epsilon, static_cast<size_t>(width)};
  for (int64_t i = 0; i < rows.count; ++i) {
    float* out = call.out + (rows.dst_first + i) * width;
    const float sum = AddRows(call.dense + (rows.src_first + i) * width,
                              call.residual + (rows.residual_first + i) * width, out, norm.size);
    NormaliseRow(norm, sum, out, out);
  }
}

}  // namespace fathom::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fathom::kernels {
namespace {

HWY_EXPORT(NormaliseRows);

// Fewer elements than this take less time than waking other threads.
constexpr int64_t kSerialElements = 32 * 1024;

// Rows [first, last) of all segments laid end to end.
void NormaliseRange(const ResidualLayerNorm& call, int64_t first, int64_t last) {
  int64_t begin = 0;  // of the segment
  for (int64_t i = 0; i < call.segment_count && begin < last; ++i) {
    const RowCopy& segment = call.segments[i];
    const int64_t skip = std::max<int64_t>(first - begin, 0);
    const int64_t end = std::min(segment.count, last - begin);
    if (skip < end) {
      HWY_DYNAMIC_DISPATCH(NormaliseRows)
      (call, {segment.src_first + skip, segment.residual_first + skip, segment.dst_first + skip,
              end - skip});
    }
    begin += segment.count;
  }
}

}  // namespace

void CpuResidualLayerNorm(const ResidualLayerNorm& call, int threads) {
  int64_t rows = 0;
  for (int64_t i = 0; i < call.segment_count; ++i) rows += call.segments[i].count;
  if (threads <= 1 || rows * call.hidden_size < kSerialElements) {
    NormaliseRange(call, 0, rows);
    return;
  }
#pragma omp parallel for num_threads(threads) schedule(static)
  for (int part = 0; part < threads; ++part) {
    NormaliseRange(call, rows * part / threads, rows * (part + 1) / threads);
  }
}

}  // namespace fathom::kernels
#endif  // HWY_ONCE
