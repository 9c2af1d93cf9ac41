// KernelTable::packed_dense and its packing for CPUs.
#pragma once

#include "kernels/kernels.h"

namespace fathom::kernels {

int64_t CpuPackedDenseFloats(int64_t in, int64_t out);
void CpuPackDense(const float* weight, int64_t in, int64_t out, float* packed);
void CpuPackedDense(const PackedDense& call, int threads);

}  // namespace fathom::kernels
