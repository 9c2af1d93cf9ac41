// HeldFile: a file kept open, so that it can be read after its name was removed or given to another
// file.
#pragma once

#include <memory>
#include <string>

namespace fathom {

// Immutable, any thread.
class HeldFile {
 public:
  // Null if it cannot be opened, or if half of the files that the process may have open (the soft
  // RLIMIT_NOFILE) are held ones already: connections need the rest.
  static std::shared_ptr<const HeldFile> Open(const std::string& path);

  ~HeldFile();
  HeldFile(const HeldFile&) = delete;
  HeldFile& operator=(const HeldFile&) = delete;

  // Names the file itself in this process, for open() and stat(). Not for messages.
  const std::string& path() const { return path_; }

 private:
  HeldFile(int file, std::string path) : file_(file), path_(std::move(path)) {}

  const int file_;
  const std::string path_;
};

}  // namespace fathom
