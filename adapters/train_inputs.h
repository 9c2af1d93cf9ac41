// What fathom-train reads before it trains, and where it will write.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "adapters/data/dataset.h"
#include "adapters/train_options.h"
#include "runtime/model/encoder.h"

namespace fathom::training {

// A folder's own name, also for "dir/" and ".".
std::string FolderName(const std::string& folder);

// Beside the output folder, which is replaced as a whole.
std::string CheckpointPath(const TrainOptions& options);

// Makes the output's parent folder. FAILED_PRECONDITION: the output exists and is not an adapter
// folder, or a checkpoint is there without --resume; NOT_FOUND: --resume without a checkpoint.
absl::Status PrepareOutput(const TrainOptions& options);

struct TrainInputs {
  std::shared_ptr<const Encoder> encoder;  // with plain weights
  Dataset train;
  Dataset dev;
  std::optional<Dataset> profile;  // the rows of --profile-file, if it is given
};

// Errors name the file, and the line where there is one.
absl::StatusOr<TrainInputs> LoadInputs(const TrainOptions& options);

// Hex; equal for equal files.
absl::StatusOr<std::string> FileDigest(const std::string& path);

}  // namespace fathom::training
