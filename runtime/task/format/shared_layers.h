// Layers that share their modules, which the files hold once a layer for other libraries.
#pragma once

#include "absl/status/status.h"
#include "runtime/task/adapter.h"

namespace fathom {

// Lets the modules of all layers be those of the first layer that has them, place by place, so that
// they are in memory once. INVALID_ARGUMENT names the layer whose tensors differ: in shape, or,
// where their data was read, in any value. The adapter may then be half shared.
absl::Status ShareLayers(Adapter& adapter);

}  // namespace fathom
