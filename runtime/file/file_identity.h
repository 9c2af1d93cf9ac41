// FileIdentity: what tells that a file is still the one that was seen before.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"

namespace fathom {

// A file that was replaced has another inode, one that was written to in place another time or
// size. A hard link to it, or a link removed, changes nothing here.
struct FileIdentity {
  uint64_t device = 0;
  uint64_t inode = 0;
  int64_t bytes = 0;
  int64_t modified_ns = 0;  // since the epoch

  bool operator==(const FileIdentity&) const = default;
};

// Of what stat() said.
FileIdentity IdentityOf(const struct stat& info);

// Of what the path names now. NOT_FOUND: no such file.
absl::StatusOr<FileIdentity> IdentifyFile(const std::string& path);

}  // namespace fathom
