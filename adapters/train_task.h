// TrainTask: the whole of fathom-train: files in, an adapter folder with its depth profile out.
#pragma once

#include "absl/status/status.h"
#include "adapters/console.h"
#include "adapters/train_options.h"

namespace fathom::training {

// CANCELLED: it was stopped; the best weights so far are written and the message says how to
// resume. Other errors name the file, flag or value. LibTorch's exceptions pass through.
absl::Status TrainTask(const TrainOptions& options, const TrainConsole& console);

}  // namespace fathom::training
