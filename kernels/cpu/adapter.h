// KernelTable::adapter_layer_norm for CPUs.
#pragma once

#include "kernels/kernels.h"

namespace fathom::kernels {

void CpuAdapterLayerNorm(const AdapterLayerNorm& call, int threads);

}  // namespace fathom::kernels
