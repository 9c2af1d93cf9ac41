// RunSeeds: the same training with several seeds, one after another.
#pragma once

#include "absl/status/status.h"
#include "adapters/console.h"
#include "adapters/train_options.h"

namespace fathom::training {

// Trains into OUTPUT/seed-1 … and ends with a table of mean and deviation at every n. With
// options.resume a finished seed is left as it is, an interrupted one goes on, the others start.
// Errors as of TrainTask, and FAILED_PRECONDITION where finished seeds were trained with other
// settings. REQUIRES: options.seeds, all different.
absl::Status RunSeeds(const TrainOptions& options, const TrainConsole& console);

}  // namespace fathom::training
