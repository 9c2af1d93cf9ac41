#include "runtime/model/atomic_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <filesystem>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"

namespace fathom {

std::string TemporarySibling(const std::string& path) {
  static std::atomic<uint64_t> count{0};
  const std::filesystem::path target(path);
  const std::string name = absl::StrCat(".", target.filename().string(), ".", ::getpid(), ".",
                                        count.fetch_add(1, std::memory_order_relaxed), ".tmp");
  return (target.parent_path() / name).string();
}

absl::Status SyncFolder(const std::string& folder) {
  const std::string name = folder.empty() ? "." : folder;
  const int file = ::open(name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (file < 0) return absl::ErrnoToStatus(errno, absl::StrCat("cannot open ", name));
  absl::Cleanup close_file = [file] { ::close(file); };
  // Some file systems (EINVAL) have no fsync of folders: nothing more can be done there.
  if (::fsync(file) != 0 && errno != EINVAL) {
    return absl::ErrnoToStatus(errno, absl::StrCat("cannot sync ", name));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<AtomicFile>> AtomicFile::Create(const std::string& path) {
  const std::string temporary = TemporarySibling(path);
  const int file = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (file < 0) return absl::ErrnoToStatus(errno, absl::StrCat("cannot write ", path));
  return std::unique_ptr<AtomicFile>(new AtomicFile(file, path, temporary));
}

AtomicFile::AtomicFile(int file, std::string path, std::string temporary_path)
    : file_(file), path_(std::move(path)), temporary_path_(std::move(temporary_path)) {}

AtomicFile::~AtomicFile() {
  if (file_ >= 0) ::close(file_);
  if (!committed_) ::unlink(temporary_path_.c_str());
}

absl::Status AtomicFile::Append(std::string_view bytes) {
  while (status_.ok() && !bytes.empty()) {
    const ssize_t written = ::write(file_, bytes.data(), bytes.size());
    if (written >= 0) {
      bytes.remove_prefix(static_cast<size_t>(written));
    } else if (errno != EINTR) {
      status_ = absl::ErrnoToStatus(errno, absl::StrCat("cannot write ", path_));
    }
  }
  return status_;
}

absl::Status AtomicFile::Commit() {
  if (!status_.ok()) return status_;
  const int file = file_;
  file_ = -1;
  // close() reports what a network file system could not store.
  const bool stored = ::fsync(file) == 0;
  const int sync_error = errno;
  const bool closed = ::close(file) == 0;
  if (!stored || !closed) {
    return absl::ErrnoToStatus(stored ? errno : sync_error, absl::StrCat("cannot store ", path_));
  }
  if (std::rename(temporary_path_.c_str(), path_.c_str()) != 0) {
    return absl::ErrnoToStatus(errno, absl::StrCat("cannot rename to ", path_));
  }
  committed_ = true;
  return SyncFolder(std::filesystem::path(path_).parent_path().string());
}

absl::Status WriteFileAtomically(const std::string& path, std::string_view bytes) {
  absl::StatusOr<std::unique_ptr<AtomicFile>> file = AtomicFile::Create(path);
  if (!file.ok()) return file.status();
  if (absl::Status status = (*file)->Append(bytes); !status.ok()) return status;
  return (*file)->Commit();
}

}  // namespace fathom
