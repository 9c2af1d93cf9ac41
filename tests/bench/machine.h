// What is known of the machine that runs a benchmark (Linux).
#pragma once

#include <cstdint>
#include <string>

namespace fathom::bench {

std::string CpuModel();

// The CPU's vector and matrix instruction sets, by the names of /proc/cpuinfo.
std::string CpuFlags();

// 0 if unknown.
int64_t AvailableMemoryBytes();

}  // namespace fathom::bench
