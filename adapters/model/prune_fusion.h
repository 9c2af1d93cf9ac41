// PruneFusion: keeps the members that a fusion uses most, layer by layer (AdapterDrop, section
// "Pruning" of AdapterFusion).
#pragma once

#include "absl/status/statusor.h"
#include "adapters/model/attention_meter.h"
#include "runtime/task/fusion.h"

namespace fathom::training {

// Takes an adapter's modules out of a layer.
void LeaveOut(Adapter& adapter, size_t layer);

// In each layer the `keep` members with the largest weight stay, summed over the layer's places; of
// equal weights the first. The others are left out there, and a member that stands nowhere any more
// is dropped. The member that stands in most layers comes last: the `adapters` library opens a
// fusion only if its last member stands in every layer. INVALID_ARGUMENT if keep is not
// 1 … members.
absl::StatusOr<Fusion> PruneFusion(const Fusion& fusion, const MemberWeights& weights, int keep);

}  // namespace fathom::training
