// Names that an adapter can have.
#pragma once

#include <string>

#include "absl/status/status.h"

namespace fathom::training {

// The Python `adapters` library makes the name a key of a torch.nn.ModuleDict, which takes neither
// dots nor the names of its own attributes ("type", "half", "train", …): a folder with such a name
// could not be opened there. Commas separate the names of a fusion. INVALID_ARGUMENT says which.
absl::Status CheckAdapterName(const std::string& name);

}  // namespace fathom::training
