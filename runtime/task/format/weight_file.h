// The files of an AdapterHub folder, found and told apart from later ones of the same name.
#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "runtime/file/file_identity.h"
#include "runtime/file/held_file.h"
#include "runtime/model/tensor_file.h"
#include "runtime/task/format/file_names.h"

namespace fathom {

// A weight file as it was when its header was checked. It is mapped only while it is read: a
// mapping a file would reach the system's limit of mappings (65,530 by default, for LibTorch and
// malloc too) at 30,000 tasks.
struct WeightFile {
  std::string path;
  bool is_torch_file = false;
  FileIdentity identity;
  std::shared_ptr<const HeldFile> held;  // null: read by its path

  const std::string& source() const { return held != nullptr ? held->path() : path; }
};

// Keeps the file open, so that it can be read whatever its name becomes. Changes nothing if it is
// not that file any more, or if too many are open (see HeldFile).
void HoldFile(WeightFile& file);

std::string JoinPath(const std::string& folder, const std::string& name);

bool FileExists(const std::string& path);

// NOT_FOUND: no such file. INVALID_ARGUMENT names the file.
absl::StatusOr<nlohmann::json> ReadJsonFile(const std::string& path);

// safetensors wins: it is checked more strictly and does not need to be unpacked.
absl::StatusOr<WeightFile> FindWeightFile(const std::string& folder, const WeightFileNames& names);

absl::StatusOr<TensorMap> ReadTensors(const WeightFile& file, TensorData data);

// FAILED_PRECONDITION if the file is gone or another one.
absl::Status CheckUnchanged(const WeightFile& file);

}  // namespace fathom
