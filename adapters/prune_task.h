// PruneTask: the whole of fathom-train prune: a fusion in, the same with fewer adapters a layer
// out.
#pragma once

#include "absl/status/status.h"
#include "adapters/console.h"
#include "adapters/prune_options.h"

namespace fathom::training {

// The depth profile is dropped: it was of other weights, and `fathom-train profile` measures a new
// one. CANCELLED: it was stopped, and nothing was written. Other errors name the file, flag or
// value.
absl::Status PruneTask(const PruneOptions& options, const TrainConsole& console);

}  // namespace fathom::training
