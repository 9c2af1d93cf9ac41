// The kernels written plainly in double: what the tests compare with.
#pragma once

#include "kernels/kernels.h"

namespace fathom::kernels {

// Same contracts as the entries of KernelTable.
void ReferenceAttention(const RaggedAttention& call);
void ReferenceLayerNorm(const ResidualLayerNorm& call);
void ReferenceAdapter(const AdapterLayerNorm& call);
void ReferenceClsAttention(const ClsAttention& call);
void ReferenceSegmentedDense(const SegmentedDense& call);

// packed_dense before packing: `call.packed_weight` is the plain weight [out, in].
void ReferencePackedDense(const PackedDense& call);

// The activation of one number.
double ReferenceActivation(Activation activation, double x);

}  // namespace fathom::kernels
