// What is known of the machine that runs a benchmark (Linux).
#pragma once

#include <cstdint>

namespace fathom::bench {

// Of the last minute. Above a few tenths before a run, other programs share the CPU, and a pass of
// several threads waits for the slowest: its times say little. 0 if unknown.
double LoadAverage();

// Of this process. 0 if unknown.
int64_t ResidentMemoryBytes();

}  // namespace fathom::bench
