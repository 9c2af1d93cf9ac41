// Packing: the tensors of a task side by side in one allocation, in the order in which a pass reads
// them.
#pragma once

#include <cstdint>

#include "runtime/task/adapter.h"

namespace fathom {

// Bytes that PackWeights takes. Looks at shapes only. `head` may be null.
int64_t PackedBytes(const Adapter& adapter, const Head* head);

// Replaces every tensor by a contiguous fp32 copy of it. The copies share one allocation, which
// lives as long as any of them; each begins at a cache line. A tensor that stands in several places
// has one copy.
void PackWeights(Adapter& adapter, Head* head);

}  // namespace fathom
