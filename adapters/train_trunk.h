// The trunk states that a run of fathom-train keeps: flags in, a full cache out, and what a person
// sees meanwhile.
#pragma once

#include "absl/status/statusor.h"
#include "adapters/console.h"
#include "adapters/train_inputs.h"
#include "adapters/train_options.h"
#include "adapters/train_setup.h"
#include "adapters/trunk/prepare_cache.h"

namespace fathom::training {

// No cache where the trunk is not the same at every step: with dropout in it, or trained itself.
// `processes` train together and may share one machine's memory. Errors are those of PrepareCache.
absl::StatusOr<PreparedCache> PrepareTrunkCache(const TrainOptions& options,
                                                const TrainInputs& inputs, const TrainSetup& setup,
                                                const TrainableTask& task, int processes,
                                                const TrainConsole& console);

}  // namespace fathom::training
