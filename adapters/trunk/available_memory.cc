#include "adapters/trunk/available_memory.h"

#include <algorithm>
#include <fstream>
#include <limits>
#include <optional>
#include <string>

namespace fathom::training {
namespace {

constexpr int64_t kUnlimited = std::numeric_limits<int64_t>::max();

int64_t SystemBytes() {
  std::ifstream file("/proc/meminfo");
  std::string name, unit;
  int64_t kibibytes = 0;
  while (file >> name >> kibibytes) {
    if (name == "MemAvailable:") return kibibytes * 1024;
    std::getline(file, unit);
  }
  return 0;
}

// The first number of a file; nothing: there is none ("max").
std::optional<int64_t> ReadNumber(const std::string& path) {
  std::ifstream file(path);
  int64_t number = 0;
  if (!(file >> number)) return std::nullopt;
  return number;
}

// What the group has left, of the unified hierarchy as a container sees it.
int64_t GroupBytes() {
  const std::optional<int64_t> limit = ReadNumber("/sys/fs/cgroup/memory.max");
  const std::optional<int64_t> used = ReadNumber("/sys/fs/cgroup/memory.current");
  return limit && used ? std::max<int64_t>(0, *limit - *used) : kUnlimited;
}

}  // namespace

int64_t AvailableMemoryBytes() { return std::min(SystemBytes(), GroupBytes()); }

}  // namespace fathom::training
