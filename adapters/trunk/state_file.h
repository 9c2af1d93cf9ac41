// The file of trunk states: a page with a header that says whose they are, then the planes.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "adapters/data/dataset.h"
#include "adapters/trunk/mapped_bytes.h"
#include "adapters/trunk/state_plan.h"

namespace fathom::training {

struct StateFileHeader {
  std::string encoder;  // Encoder::fingerprint
  std::string data;     // DatasetDigest
  StateShape shape;
  std::vector<TapPoint> points;  // of the planes, in their order
};

// Hex; SHA-256 of the token and segment ids of all texts in order.
std::string DatasetDigest(const Dataset& data);

// A file that is being written, beside `path`. It takes that name when it is complete; without a
// Commit its name goes and its bytes last as long as their mapping.
class NewStateFile {
 public:
  // RESOURCE_EXHAUSTED: the disk is full.
  static absl::StatusOr<std::unique_ptr<NewStateFile>> Create(const std::string& path,
                                                              int64_t bytes);
  ~NewStateFile();
  NewStateFile(const NewStateFile&) = delete;
  NewStateFile& operator=(const NewStateFile&) = delete;

  // To write the planes into; at most once.
  MappedBytes TakeBytes() { return std::move(bytes_); }
  // Writes the header, flushes all to disk and renames.
  absl::Status Commit(const StateFileHeader& header);

 private:
  NewStateFile(std::string path, std::string temporary_path, MappedBytes bytes)
      : path_(std::move(path)),
        temporary_path_(std::move(temporary_path)),
        bytes_(std::move(bytes)) {}

  const std::string path_;
  const std::string temporary_path_;
  MappedBytes bytes_;
  bool committed_ = false;
};

struct FoundStateFile {
  StateFileHeader header;
  MappedBytes bytes;
};

// NOT_FOUND: no such file. INVALID_ARGUMENT: it is no complete file of trunk states. Both name it.
absl::StatusOr<FoundStateFile> OpenStateFile(const std::string& path);

// FAILED_PRECONDITION names the file and what differs, with both values: encoder, data, precision,
// or sums where a run reads pairs.
absl::Status CheckServes(const std::string& path, const StateFileHeader& found,
                         const StateFileHeader& wanted);

}  // namespace fathom::training
