// The CPU of this process, by the names of /proc/cpuinfo (Linux).
#pragma once

#include <string>

namespace fathom {

std::string CpuModel();

// Its vector and matrix instruction sets.
std::string CpuFlags();

}  // namespace fathom
