// How unequal the classes of a training set are.
#pragma once

#include <string>
#include <vector>

#include "adapters/data/dataset.h"

namespace fathom::training {

// "commonest yes 75.0 %, rarest no 25.0 %". REQUIRES: classification, with examples.
std::string FormatClassBalance(const Dataset& data);

}  // namespace fathom::training
