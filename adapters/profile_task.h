// ProfileTask: the whole of fathom-train profile: a task folder in, its depth profile out.
#pragma once

#include "absl/status/status.h"
#include "adapters/console.h"
#include "adapters/profile_options.h"

namespace fathom::training {

// Errors name the file, flag or value: an adapter without a head or of another encoder, labels that
// the head does not have. LibTorch's exceptions pass through.
absl::Status ProfileTask(const ProfileOptions& options, const TrainConsole& console);

}  // namespace fathom::training
