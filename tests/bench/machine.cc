#include "tests/bench/machine.h"

#include <cstdlib>
#include <fstream>
#include <sstream>

namespace fathom::bench {
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

}  // namespace

double LoadAverage() {
  double load = 0;
  return getloadavg(&load, 1) == 1 ? load : 0;
}

int64_t ResidentMemoryBytes() {
  std::istringstream value(ProcValue("/proc/self/status", "VmRSS"));  // in kB
  int64_t kilobytes = 0;
  return value >> kilobytes ? kilobytes * 1024 : 0;
}

}  // namespace fathom::bench
