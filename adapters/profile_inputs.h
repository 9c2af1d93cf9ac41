// What fathom-train profile reads before it measures.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "adapters/data/dataset.h"
#include "adapters/metrics.h"
#include "adapters/model/trainable_task.h"
#include "adapters/profile_options.h"
#include "runtime/model/encoder.h"
#include "runtime/task/format/adapter_folder.h"

namespace fathom::training {

struct ProfileInputs {
  std::shared_ptr<const Encoder> encoder;  // as the server loads it, calibrated GEMMs included
  std::string name;                        // the adapter's
  FrozenTask task;
  std::optional<TrainingRecord> record;  // absent in foreign folders
  Dataset data;
  Metric metric = Metric::kAccuracy;
};

// FAILED_PRECONDITION: the adapter has no head, or was trained on another encoder.
// INVALID_ARGUMENT: data that the head cannot answer; errors name the file.
absl::StatusOr<ProfileInputs> LoadProfileInputs(const ProfileOptions& options);

}  // namespace fathom::training
