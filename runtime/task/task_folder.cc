#include "runtime/task/task_folder.h"

#include <dirent.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <utility>

#include "absl/hash/hash.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "runtime/file/file_identity.h"
#include "runtime/task/format/file_names.h"
#include "runtime/text/utf8.h"

namespace fathom {
namespace {

constexpr size_t kMaxNameBytes = 255;  // of a file system
constexpr int kMemberLevels = 1;       // a fusion's members are folders in its folder

struct Entry {
  std::string name;
  struct stat info = {};  // of what a link leads to
  int error = 0;          // of stat, instead

  bool is_folder() const { return error == 0 && S_ISDIR(info.st_mode); }
};

// By name, without "." and "..".
absl::StatusOr<std::vector<Entry>> ListFolder(const std::string& path) {
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(::opendir(path.c_str()), &::closedir);
  if (folder == nullptr) return absl::ErrnoToStatus(errno, absl::StrCat("cannot list ", path));
  std::vector<Entry> entries;
  while (const dirent* found = ::readdir(folder.get())) {
    Entry entry{.name = found->d_name};
    if (entry.name == "." || entry.name == "..") continue;
    if (::fstatat(::dirfd(folder.get()), found->d_name, &entry.info, 0) != 0) entry.error = errno;
    entries.push_back(std::move(entry));
  }
  std::sort(entries.begin(), entries.end(),
            [](const Entry& a, const Entry& b) { return a.name < b.name; });
  return entries;
}

int64_t ChangedNs(const struct stat& info) {
  constexpr int64_t kSecond = 1'000'000'000;
  // A copying program may set back the one, nobody the other.
  return std::max(info.st_mtim.tv_sec * kSecond + info.st_mtim.tv_nsec,
                  info.st_ctim.tv_sec * kSecond + info.st_ctim.tv_nsec);
}

void Add(uint64_t value, FolderIdentity& identity) {
  identity.files = absl::HashOf(identity.files, value);
}

void AddFiles(const std::string& path, const std::vector<Entry>& entries, int levels,
              FolderIdentity& identity) {
  for (const Entry& entry : entries) {
    Add(absl::HashOf(entry.name, entry.error), identity);
    if (entry.error != 0) continue;
    identity.newest_ns = std::max(identity.newest_ns, ChangedNs(entry.info));
    if (!entry.is_folder()) {
      const FileIdentity file = IdentityOf(entry.info);
      Add(absl::HashOf(file.device, file.inode, file.bytes, file.modified_ns), identity);
    } else if (levels > 0) {
      const std::string inner = path + "/" + entry.name;
      const auto found = ListFolder(inner);
      if (found.ok()) {
        AddFiles(inner, *found, levels - 1, identity);
      } else {
        Add(static_cast<uint64_t>(found.status().code()), identity);
      }
    }
  }
}

FolderIdentity Identify(const std::string& path, const std::vector<Entry>& entries,
                        const struct stat& info) {
  FolderIdentity identity{.files = 1, .newest_ns = ChangedNs(info)};  // an empty folder is one
  AddFiles(path, entries, kMemberLevels, identity);
  return identity;
}

// 0: not the name of a version's folder. "01" is none: it would be a second "1".
int VersionOf(const Entry& entry) {
  int version = 0;
  if (!entry.is_folder() || !absl::SimpleAtoi(entry.name, &version) || version <= 0) return 0;
  return absl::StrCat(version) == entry.name ? version : 0;
}

// The versions in the folder of a task, of which stat() said `info`.
void AddTask(const std::string& path, const std::string& name, const struct stat& info,
             std::vector<SeenVersion>& seen) {
  const absl::StatusOr<std::vector<Entry>> listed = ListFolder(path);
  const std::vector<Entry> entries = listed.ok() ? *listed : std::vector<Entry>();
  const size_t before = seen.size();
  const bool is_fusion = std::any_of(entries.begin(), entries.end(),
                                     [](const Entry& e) { return e.name == kSetupFile; });
  for (const Entry& entry : entries) {
    const int version = is_fusion ? 0 : VersionOf(entry);
    if (version == 0) continue;
    const std::string inner = path + "/" + entry.name;
    const auto found = ListFolder(inner);
    seen.push_back(
        {.name = name,
         .version = version,
         .path = inner,
         .identity = Identify(inner, found.ok() ? *found : std::vector<Entry>(), entry.info)});
  }
  if (seen.size() == before) {
    seen.push_back(
        {.name = name, .version = 1, .path = path, .identity = Identify(path, entries, info)});
  }
  std::sort(seen.begin() + static_cast<int64_t>(before), seen.end(),
            [](const SeenVersion& a, const SeenVersion& b) { return a.version < b.version; });
}

}  // namespace

absl::Status CheckTaskName(std::string_view name) {
  const char* wrong = nullptr;
  if (name.empty()) {
    wrong = "is empty";
  } else if (name.size() > kMaxNameBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("a task's name has ", name.size(), " bytes, the limit is ", kMaxNameBytes));
  } else if (name.front() == '.') {
    wrong = "begins with a dot";
  } else if (name.ends_with(".tmp")) {
    wrong = "ends with .tmp, as a folder that is still being written";
  } else if (name.find('/') != std::string_view::npos) {
    wrong = "holds a \"/\"";
  } else if (std::any_of(name.begin(), name.end(),
                         [](unsigned char c) { return c < 0x20 || c == 0x7F; })) {
    wrong = "holds a control character";
  } else if (FirstInvalidUtf8(name)) {
    wrong = "is not UTF-8";
  }
  if (wrong == nullptr) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("not a task's name: \"",
                                                 absl::CHexEscape(std::string(name)), "\" ", wrong,
                                                 "; a task is named as its folder"));
}

absl::StatusOr<std::vector<SeenVersion>> LookAtTasks(const std::string& root) {
  const absl::StatusOr<std::vector<Entry>> entries = ListFolder(root);
  if (!entries.ok()) return entries.status();
  std::vector<SeenVersion> seen;
  for (const Entry& entry : *entries) {
    if (!entry.is_folder() || !CheckTaskName(entry.name).ok()) continue;
    AddTask(root + "/" + entry.name, entry.name, entry.info, seen);
  }
  return seen;
}

std::vector<SeenVersion> LookAtTask(const std::string& root, const std::string& name) {
  std::vector<SeenVersion> seen;
  const std::string path = root + "/" + name;
  struct stat info = {};
  if (::stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode)) AddTask(path, name, info, seen);
  return seen;
}

FolderIdentity IdentifyFolder(const std::string& path) {
  struct stat info = {};
  if (::stat(path.c_str(), &info) != 0) return {};
  const absl::StatusOr<std::vector<Entry>> entries = ListFolder(path);
  return Identify(path, entries.ok() ? *entries : std::vector<Entry>(), info);
}

}  // namespace fathom
