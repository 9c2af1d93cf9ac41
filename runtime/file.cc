#include "runtime/file.h"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "absl/strings/str_cat.h"

namespace fathom {
namespace {

constexpr uintmax_t kMaxBytes = 256u << 20;

}  // namespace

absl::StatusOr<std::string> ReadFile(const std::string& path) {
  std::error_code error;
  const uintmax_t size_bytes = std::filesystem::file_size(path, error);
  if (error == std::errc::no_such_file_or_directory) {
    return absl::NotFoundError(absl::StrCat("no file ", path));
  }
  if (error) return absl::InternalError(absl::StrCat("cannot read ", path, ": ", error.message()));
  if (size_bytes > kMaxBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, " has ", size_bytes, " bytes, the limit is ", kMaxBytes));
  }
  std::string content(size_bytes, '\0');
  std::ifstream file(path, std::ios::binary);
  if (!file.read(content.data(), static_cast<std::streamsize>(content.size()))) {
    return absl::InternalError(absl::StrCat("cannot read ", path, ": ", std::strerror(errno)));
  }
  return content;
}

}  // namespace fathom
