// The trained adapters that a fusion is made of.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "runtime/model/encoder.h"
#include "runtime/task/adapter.h"

namespace fathom::training {

struct FusionMembers {
  std::vector<std::string> names;
  std::vector<Adapter> adapters;
};

// Reads the folders; their heads are not used. INVALID_ARGUMENT names the folder and what does not
// fit: fewer than two, a name twice, modules at other places or with another input than the first
// one's, an adapter that was trained on another encoder.
absl::StatusOr<FusionMembers> ReadFusionMembers(const std::vector<std::string>& folders,
                                                const Encoder& encoder);

}  // namespace fathom::training
