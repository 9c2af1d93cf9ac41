// What stands in the tasks' folder, told by names and file times alone: nothing is read.
//
// Each sub-folder is a task: a folder of files, which is version 1, or numbered version folders
// (1/, 2/, …) that hold one each. A fusion is a folder of files, whatever its members are called.
// Left out are names that CheckTaskName refuses: a folder that is being written is best named
// ".NAME" or "NAME.tmp", and renamed when it is complete.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace fathom {

// INVALID_ARGUMENT for what is never a task's name, so that no name leads out of the folder: empty,
// over 255 bytes, with a "/", a control character or bytes that are not UTF-8, with a "." at its
// beginning or ".tmp" at its end. The message repeats the name in escaped form.
absl::Status CheckTaskName(std::string_view name);

// Of all files of a version's folder.
struct FolderIdentity {
  uint64_t files = 0;     // hash over names and FileIdentity, of this process; 0: no folder
  int64_t newest_ns = 0;  // when a file or folder in it last changed, since the epoch

  // Whether no file was added, removed, replaced or written to.
  bool SameFiles(const FolderIdentity& other) const { return files == other.files; }
};

struct SeenVersion {
  std::string name;
  int version = 1;
  std::string path;
  FolderIdentity identity;
};

// By name, then version. An error if `root` cannot be listed. What cannot be seen inside it is not
// an error: it changes the identity, and the reader of the files will say what is wrong.
absl::StatusOr<std::vector<SeenVersion>> LookAtTasks(const std::string& root);

// The versions of one task; empty: there is no such folder. REQUIRES: CheckTaskName(name).
std::vector<SeenVersion> LookAtTask(const std::string& root, const std::string& name);

// Of a version's folder as it stands now.
FolderIdentity IdentifyFolder(const std::string& path);

}  // namespace fathom
