// StagedFolder: a folder that appears under its name only when it is complete.
#pragma once

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace fathom {

// Files are written into path(), a new folder beside the target. Commit puts it in the target's
// place in one step; without that, the destructor removes it and an older target stays as it was.
class StagedFolder {
 public:
  // The target's parent must exist. A symbolic link is followed: what it points to is replaced.
  static absl::StatusOr<std::unique_ptr<StagedFolder>> Create(const std::string& target);

  ~StagedFolder();
  StagedFolder(const StagedFolder&) = delete;
  StagedFolder& operator=(const StagedFolder&) = delete;

  const std::string& path() const { return path_; }
  absl::Status Commit();

 private:
  StagedFolder(std::string target, std::string path)
      : target_(std::move(target)), path_(std::move(path)) {}

  const std::string target_;
  const std::string path_;  // after Commit: the older folder, to be removed
};

}  // namespace fathom
