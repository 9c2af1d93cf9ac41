// The adapters of a pass as the kernels take them.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/kernels.h"
#include "runtime/task/adapter.h"

namespace fathom::ops {

// The module of `adapter` at (layer, place), its shapes checked: c10::Error names what is wrong.
// The members of a fusion are appended to `members`, which must have room for them: the result
// points into it, and into the adapter's tensors.
kernels::Bottleneck CheckedBottleneck(const Adapter& adapter, int layer, Place place,
                                      int64_t hidden_size,
                                      std::vector<kernels::FusedMember>& members);

// How many members of a fusion stand there; 0 for an ordinary adapter.
size_t FusedMemberCount(const Adapter& adapter, int layer, Place place);

}  // namespace fathom::ops
