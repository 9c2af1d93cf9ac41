#include "runtime/task/format/staged_folder.h"

#include <fcntl.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <system_error>

#include "absl/strings/str_cat.h"
#include "runtime/model/atomic_file.h"

namespace fathom {
namespace {

namespace fs = std::filesystem;

// For file systems that cannot exchange two names: the target is away for a moment.
absl::Status ReplaceInTwoSteps(const std::string& staged, const std::string& target) {
  const std::string aside = TemporarySibling(target);
  if (std::rename(target.c_str(), aside.c_str()) != 0) {
    return absl::ErrnoToStatus(errno, absl::StrCat("cannot move away ", target));
  }
  if (std::rename(staged.c_str(), target.c_str()) != 0) {
    const absl::Status error =
        absl::ErrnoToStatus(errno, absl::StrCat("cannot rename to ", target));
    std::rename(aside.c_str(), target.c_str());
    return error;
  }
  std::rename(aside.c_str(), staged.c_str());
  return absl::OkStatus();
}

absl::Status Replace(const std::string& staged, const std::string& target) {
  if (::renameat2(AT_FDCWD, staged.c_str(), AT_FDCWD, target.c_str(), RENAME_EXCHANGE) == 0) {
    return absl::OkStatus();
  }
  if (errno == EINVAL || errno == ENOSYS) return ReplaceInTwoSteps(staged, target);
  return absl::ErrnoToStatus(errno, absl::StrCat("cannot rename to ", target));
}

}  // namespace

absl::StatusOr<std::unique_ptr<StagedFolder>> StagedFolder::Create(const std::string& target) {
  std::error_code error;
  fs::path full = fs::weakly_canonical(target, error);
  if (!error && !full.has_filename()) full = full.parent_path();  // "name/" of a new folder
  if (error || full == full.root_path()) {
    return absl::InvalidArgumentError(absl::StrCat(target, " is no name for a folder"));
  }
  if (fs::exists(full, error) && !fs::is_directory(full, error)) {
    return absl::FailedPreconditionError(absl::StrCat(target, " exists and is not a folder"));
  }
  const std::string staged = TemporarySibling(full.string());
  if (!fs::create_directory(staged, error)) {
    return absl::ErrnoToStatus(error.value(), absl::StrCat("cannot make a folder beside ", target));
  }
  return std::unique_ptr<StagedFolder>(new StagedFolder(full.string(), staged));
}

StagedFolder::~StagedFolder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

absl::Status StagedFolder::Commit() {
  if (absl::Status status = SyncFolder(path_); !status.ok()) return status;
  std::error_code ignored;
  if (fs::exists(target_, ignored)) {
    if (absl::Status status = Replace(path_, target_); !status.ok()) return status;
  } else if (std::rename(path_.c_str(), target_.c_str()) != 0) {
    return absl::ErrnoToStatus(errno, absl::StrCat("cannot rename to ", target_));
  }
  return SyncFolder(fs::path(target_).parent_path().string());
}

}  // namespace fathom
