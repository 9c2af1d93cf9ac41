// How much memory a process may still take.
#pragma once

#include <cstdint>

namespace fathom::training {

// What the system could give without swapping, and no more than the process's control group has
// left. 0: not known.
int64_t AvailableMemoryBytes();

}  // namespace fathom::training
