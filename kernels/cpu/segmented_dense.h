// KernelTable::segmented_dense for CPUs.
#pragma once

#include "kernels/kernels.h"

namespace fathom::kernels {

void CpuSegmentedDense(const SegmentedDense& call, int threads);

}  // namespace fathom::kernels
