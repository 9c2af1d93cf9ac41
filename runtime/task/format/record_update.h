// Replacing what a folder says of its training, and nothing else.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "runtime/task/format/adapter_folder.h"

namespace fathom {

// Writes the record under Fathom's key of the folder's adapter_config.json (of a fusion, its
// adapter_setup.json), in one step. All other keys stay, also those of an older record that
// `record` does not have. Errors as of ReadAdapterFolder and of MakeTrainingRecord; the file is
// then as it was.
absl::Status UpdateTrainingRecord(const std::string& folder, const TrainingRecord& record);

}  // namespace fathom
