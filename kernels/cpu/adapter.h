// KernelTable::adapter_layer_norm for CPUs.
//
// One thread takes a tile of rows of one bottleneck. Rows stay rows: the down product is a dot
// product, as long as a row; the up product has a lane for each output. One form serves any number
// of rows, so that the numbers of a row depend on nothing else, and both read the weights once.
#pragma once

#include "kernels/kernels.h"

namespace fathom::kernels {

void CpuAdapterLayerNorm(const AdapterLayerNorm& call, int threads);

}  // namespace fathom::kernels
