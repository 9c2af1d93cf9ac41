#include "runtime/file/held_file.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <utility>

#include "absl/strings/str_cat.h"

namespace fathom {
namespace {

std::atomic<int64_t> held_files = 0;

bool MayHoldOneMore() {
  rlimit limit = {};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return false;
  return limit.rlim_cur == RLIM_INFINITY ||
         held_files.load() < static_cast<int64_t>(limit.rlim_cur / 2);
}

}  // namespace

std::shared_ptr<const HeldFile> HeldFile::Open(const std::string& path) {
  if (!MayHoldOneMore()) return nullptr;
  // O_NONBLOCK: a FIFO under this name must not hang.
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file < 0) return nullptr;
  held_files.fetch_add(1);
  std::shared_ptr<const HeldFile> held(new HeldFile(file, absl::StrCat("/proc/self/fd/", file)));
  // Without /proc there is no such name.
  return ::access(held->path().c_str(), R_OK) == 0 ? held : nullptr;
}

HeldFile::~HeldFile() {
  ::close(file_);
  held_files.fetch_sub(1);
}

}  // namespace fathom
