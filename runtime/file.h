// Small whole-file reads. Plain, no Torch.
#pragma once

#include <string>

#include "absl/status/statusor.h"

namespace fathom {

// NOT_FOUND, or INTERNAL with the system's reason; both name the path. For configs and
// vocabularies: a file over 256 MB is INVALID_ARGUMENT.
absl::StatusOr<std::string> ReadFile(const std::string& path);

}  // namespace fathom
