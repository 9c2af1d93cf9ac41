// From the folder of a task's version to a LoadedTask.
#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "runtime/model/encoder.h"
#include "runtime/task/loaded_task.h"
#include "runtime/task/task_catalog.h"
#include "runtime/task/weight_cache.h"

namespace fathom {

// Checks the files against the encoder, which must be the one that they were trained on. An error
// says which file, what is wrong with it, and the limit.
absl::StatusOr<std::shared_ptr<const LoadedTask>> LoadTaskFolder(
    const SeenVersion& version, WeightReading reading, const Encoder& encoder,
    const std::shared_ptr<WeightCache>& weights);

}  // namespace fathom
