#include "runtime/model/cpu_identity.h"

#include <fstream>
#include <sstream>

namespace fathom {
namespace {

// The value of the first line `name : value` of a file under /proc.
std::string ProcValue(const char* file, const std::string& name) {
  std::ifstream lines(file);
  for (std::string line; std::getline(lines, line);) {
    const size_t colon = line.find(':');
    if (!line.starts_with(name) || colon == std::string::npos) continue;
    const size_t value = line.find_first_not_of(" \t", colon + 1);
    return value == std::string::npos ? "" : line.substr(value);
  }
  return "";
}

bool IsVectorFlag(const std::string& flag) {
  for (const char* prefix : {"avx", "amx", "fma", "f16c"}) {
    if (flag.starts_with(prefix)) return true;
  }
  return false;
}

}  // namespace

std::string CpuModel() {
  const std::string model = ProcValue("/proc/cpuinfo", "model name");
  return model.empty() ? "unknown CPU" : model;
}

std::string CpuFlags() {
  std::istringstream all(ProcValue("/proc/cpuinfo", "flags"));
  std::string chosen;
  for (std::string flag; all >> flag;) {
    if (IsVectorFlag(flag)) chosen += (chosen.empty() ? "" : " ") + flag;
  }
  return chosen;
}

}  // namespace fathom
