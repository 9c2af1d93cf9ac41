// The top-level key "fathom" of adapter_config.json: what the trainer says of the adapter. The
// `adapters` library ignores it.
#pragma once

#include <nlohmann/json.hpp>

#include "absl/status/statusor.h"
#include "runtime/task/format/adapter_folder.h"

namespace fathom {

// Keys may be absent, but none may be of the wrong type, and no skip depth out of 0 … L.
absl::StatusOr<TrainingRecord> ParseTrainingRecord(const nlohmann::json& value, int layers);

// INVALID_ARGUMENT for what JSON cannot hold: a score that is not finite, details that are no
// object.
absl::StatusOr<nlohmann::json> MakeTrainingRecord(const TrainingRecord& record);

}  // namespace fathom
