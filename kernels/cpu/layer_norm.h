// KernelTable::residual_layer_norm and ::embed_layer_norm for CPUs.
#pragma once

#include "kernels/kernels.h"

namespace fathom::kernels {

void CpuResidualLayerNorm(const ResidualLayerNorm& call, int threads);
void CpuEmbedLayerNorm(const EmbedLayerNorm& call, int threads);

}  // namespace fathom::kernels
