// KernelTable::gather_rows for CPUs.
#pragma once

#include "kernels/kernels.h"

namespace fathom::kernels {

void CpuGatherRows(const GatherRows& call, int threads);

}  // namespace fathom::kernels
