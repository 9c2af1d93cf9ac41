// AtomicFile: a file that appears under its name only when it is complete and on disk.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace fathom {

// Written by one thread. Bytes go to a temporary file in the same folder; Commit renames it.
// Without a Commit that succeeds, the destructor removes the temporary file and the old file stays
// as it was.
class AtomicFile {
 public:
  static absl::StatusOr<std::unique_ptr<AtomicFile>> Create(const std::string& path);

  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  // The first error stays: later calls return it too.
  absl::Status Append(std::string_view bytes);
  // Flushes to disk and renames. At most once, and the last call.
  absl::Status Commit();

 private:
  AtomicFile(int file, std::string path, std::string temporary_path);

  int file_;
  const std::string path_;
  const std::string temporary_path_;
  absl::Status status_;
  bool committed_ = false;
};

absl::Status WriteFileAtomically(const std::string& path, std::string_view bytes);

// A name beside `path` that no other writer of this machine uses: ".<name>.<pid>.<count>.tmp".
std::string TemporarySibling(const std::string& path);

// Makes the renames and new names in a folder durable.
absl::Status SyncFolder(const std::string& folder);

}  // namespace fathom
