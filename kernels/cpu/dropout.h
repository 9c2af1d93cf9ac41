// KernelTable::dropout for CPUs.
#pragma once

#include "kernels/kernels.h"

namespace fathom::kernels {

void CpuDropout(const Dropout& call, int threads);

}  // namespace fathom::kernels
