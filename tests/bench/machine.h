// What is known of the machine that runs a benchmark (Linux).
#pragma once

#include <cstdint>

namespace fathom::bench {

// Of the last minute. Above a few tenths before a run, other programs share the CPU, and a pass of
// several threads waits for the slowest: its times say little. 0 if unknown.
double LoadAverage();

// Memory of this process that is allocated and not freed.
int64_t HeapBytes();

}  // namespace fathom::bench
