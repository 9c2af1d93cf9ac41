// Whether two answers of a task to one text say the same. A pure function.
#pragma once

#include <optional>

#include "runtime/engine.h"

namespace fathom {

// As depth profiles measure it, 0 … 1: the same label is 1, another one 0; of several labels, the
// same set; of tags, the share of tokens with the same tag. Nothing for a regression, for which
// profiles have no agreement, and where an answer failed or the two differ in size.
std::optional<double> Agreement(const TaskInfo& task, const TaskOutput& a, const TaskOutput& b);

}  // namespace fathom
