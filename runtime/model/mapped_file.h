// MappedFile: the bytes of a file, mapped read-only for as long as somebody holds it.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace fathom {

// Immutable, any thread. The file must not be shortened in place while it is mapped: reading a page
// that is gone is SIGBUS. Everything in this folder replaces files by renaming, which is safe.
class MappedFile {
 public:
  // NOT_FOUND: no such file; INVALID_ARGUMENT: not a regular file. Messages name the path.
  static absl::StatusOr<std::shared_ptr<const MappedFile>> Open(const std::string& path);

  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  const char* data() const { return data_; }
  size_t size() const { return size_; }
  std::string_view bytes() const { return {data_, size_}; }

 private:
  MappedFile(const char* data, size_t size) : data_(data), size_(size) {}

  const char* data_;
  size_t size_;
};

// The same error with the path before its message.
absl::Status InFile(const std::string& path, const absl::Status& error);

// A whole small text file, such as a config. RESOURCE_EXHAUSTED above max_bytes.
absl::StatusOr<std::string> ReadTextFile(const std::string& path, size_t max_bytes = 64 << 20);

}  // namespace fathom
