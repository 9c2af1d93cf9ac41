#include "adapters/trunk/mapped_bytes.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"

namespace fathom::training {
namespace {

// Closed at the end; mappings of it stay.
class OpenFile {
 public:
  OpenFile(const std::string& path, int flags) : descriptor_(open(path.c_str(), flags, 0600)) {}
  ~OpenFile() {
    if (descriptor_ >= 0) close(descriptor_);
  }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;

  int descriptor() const { return descriptor_; }

 private:
  const int descriptor_;
};

absl::Status Error(int code, const std::string& what) {
  const std::string message = absl::StrCat(what, ": ", std::generic_category().message(code));
  switch (code) {
    case ENOENT:
      return absl::NotFoundError(message);
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
    case ENOMEM:
      return absl::ResourceExhaustedError(message);
    default:
      return absl::FailedPreconditionError(message);
  }
}

}  // namespace

MappedBytes::~MappedBytes() {
  if (data_ != nullptr) munmap(data_, static_cast<size_t>(size_));
}

MappedBytes::MappedBytes(MappedBytes&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

MappedBytes& MappedBytes::operator=(MappedBytes&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

absl::StatusOr<MappedBytes> MappedBytes::InMemory(int64_t bytes) {
  void* data = mmap(nullptr, static_cast<size_t>(bytes), PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (data == MAP_FAILED) return Error(errno, absl::StrCat(bytes, " bytes of memory"));
  madvise(data, static_cast<size_t>(bytes), MADV_HUGEPAGE);  // only a wish
  return MappedBytes(static_cast<std::byte*>(data), bytes);
}

absl::StatusOr<MappedBytes> MappedBytes::InNewFile(const std::string& path, int64_t bytes) {
  const OpenFile file(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC);
  if (file.descriptor() < 0) return Error(errno, absl::StrCat("cannot make ", path));
  if (const int code = posix_fallocate(file.descriptor(), 0, bytes); code != 0) {
    unlink(path.c_str());
    return Error(code, absl::StrCat("cannot reserve ", bytes, " bytes in ", path));
  }
  void* data = mmap(nullptr, static_cast<size_t>(bytes), PROT_READ | PROT_WRITE, MAP_SHARED,
                    file.descriptor(), 0);
  if (data == MAP_FAILED) {
    const int code = errno;
    unlink(path.c_str());
    return Error(code, absl::StrCat("cannot map ", path));
  }
  return MappedBytes(static_cast<std::byte*>(data), bytes);
}

absl::StatusOr<MappedBytes> MappedBytes::OfFile(const std::string& path) {
  const OpenFile file(path, O_RDONLY | O_CLOEXEC);
  if (file.descriptor() < 0) return Error(errno, absl::StrCat("cannot open ", path));
  struct stat facts {};
  if (fstat(file.descriptor(), &facts) != 0 || !S_ISREG(facts.st_mode) || facts.st_size == 0) {
    return absl::InvalidArgumentError(absl::StrCat(path, " is empty or no file"));
  }
  void* data = mmap(nullptr, static_cast<size_t>(facts.st_size), PROT_READ, MAP_SHARED,
                    file.descriptor(), 0);
  if (data == MAP_FAILED) return Error(errno, absl::StrCat("cannot map ", path));
  return MappedBytes(static_cast<std::byte*>(data), facts.st_size);
}

}  // namespace fathom::training
