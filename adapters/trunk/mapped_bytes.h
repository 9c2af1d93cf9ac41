// MappedBytes: large writable blocks of memory, of the process or of a file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/statusor.h"

namespace fathom::training {

// Unmapped at the end. Starts at a page.
class MappedBytes {
 public:
  // Nothing.
  MappedBytes() = default;
  ~MappedBytes();
  MappedBytes(MappedBytes&& other) noexcept;
  MappedBytes& operator=(MappedBytes&& other) noexcept;

  // Zeros. RESOURCE_EXHAUSTED: the system refuses so much.
  static absl::StatusOr<MappedBytes> InMemory(int64_t bytes);

  // A new file of that size, which must not exist. All its blocks are allocated at once, so that a
  // full disk is RESOURCE_EXHAUSTED here (no file is left then) and no SIGBUS later. The file stays
  // until its name is removed.
  static absl::StatusOr<MappedBytes> InNewFile(const std::string& path, int64_t bytes);

  // A file that is there, to read. NOT_FOUND: it is not.
  static absl::StatusOr<MappedBytes> OfFile(const std::string& path);

  std::byte* data() const { return data_; }
  int64_t size() const { return size_; }

 private:
  MappedBytes(std::byte* data, int64_t size) : data_(data), size_(size) {}

  std::byte* data_ = nullptr;
  int64_t size_ = 0;
};

}  // namespace fathom::training
