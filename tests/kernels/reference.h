// The kernels written plainly in double: what the tests compare with.
#pragma once

#include "kernels/kernels.h"

namespace fathom::kernels {

// Same contracts as the entries of KernelTable.
void ReferenceAttention(const RaggedAttention& call);
void ReferenceLayerNorm(const ResidualLayerNorm& call);
void ReferenceEmbed(const EmbedLayerNorm& call);
void ReferenceAdapter(const AdapterLayerNorm& call);
void ReferenceClsAttention(const ClsAttention& call);
void ReferenceDense(const SegmentedDense& call);

double ReferenceActivation(Activation activation, double x);

}  // namespace fathom::kernels
