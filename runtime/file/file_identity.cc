#include "runtime/file/file_identity.h"

#include <cerrno>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace fathom {

FileIdentity IdentityOf(const struct stat& info) {
  constexpr int64_t kSecond = 1'000'000'000;
  return {.device = info.st_dev,
          .inode = info.st_ino,
          .bytes = info.st_size,
          .modified_ns = info.st_mtim.tv_sec * kSecond + info.st_mtim.tv_nsec};
}

absl::StatusOr<FileIdentity> IdentifyFile(const std::string& path) {
  struct stat info = {};
  if (::stat(path.c_str(), &info) != 0) {
    return absl::ErrnoToStatus(errno, absl::StrCat("cannot stat ", path));
  }
  return IdentityOf(info);
}

}  // namespace fathom
