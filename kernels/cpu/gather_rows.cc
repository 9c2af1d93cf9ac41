#include "kernels/cpu/gather_rows.h"

#include <cstddef>
#include <cstring>

namespace fathom::kernels {
namespace {

// Copying fewer elements than this takes less time than waking another thread.
constexpr int64_t kSerialElements = 128 * 1024;

}  // namespace

void CpuGatherRows(const GatherRows& call, int threads) {
  const auto copy = [&call](int64_t i) {
    std::memcpy(call.dst + i * call.width, call.src + call.rows[i] * call.width,
                static_cast<size_t>(call.width) * sizeof(float));
  };
  if (threads <= 1 || call.count * call.width < kSerialElements) {
    for (int64_t i = 0; i < call.count; ++i) copy(i);
    return;
  }
#pragma omp parallel for num_threads(threads) schedule(static)
  for (int64_t i = 0; i < call.count; ++i) copy(i);
}

}  // namespace fathom::kernels
