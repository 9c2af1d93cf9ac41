#include "runtime/task/format/weight_file.h"

#include <filesystem>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/str_cat.h"
#include "runtime/file/mapped_file.h"
#include "runtime/model/json_fields.h"

namespace fathom {

using nlohmann::json;

std::string JoinPath(const std::string& folder, const std::string& name) {
  return (std::filesystem::path(folder) / name).string();
}

bool FileExists(const std::string& path) {
  std::error_code ignored;
  return std::filesystem::exists(path, ignored);
}

absl::StatusOr<json> ReadJsonFile(const std::string& path) {
  absl::StatusOr<std::string> text = ReadTextFile(path);
  if (!text.ok()) return text.status();
  absl::StatusOr<json> object = ParseJsonObject(*text);
  if (!object.ok()) return InFile(path, object.status());
  return object;
}

absl::StatusOr<WeightFile> FindWeightFile(const std::string& folder, const WeightFileNames& names) {
  for (const bool is_torch_file : {false, true}) {
    const std::string path = JoinPath(folder, is_torch_file ? names.torch : names.safetensors);
    absl::StatusOr<FileIdentity> identity = IdentifyFile(path);
    if (absl::IsNotFound(identity.status())) continue;
    if (!identity.ok()) return identity.status();
    return WeightFile{.path = path, .is_torch_file = is_torch_file, .identity = *identity};
  }
  return absl::NotFoundError(
      absl::StrCat(folder, " holds neither ", names.safetensors, " nor ", names.torch));
}

void HoldFile(WeightFile& file) {
  std::shared_ptr<const HeldFile> held = HeldFile::Open(file.path);
  if (held == nullptr) return;
  const absl::StatusOr<FileIdentity> identity = IdentifyFile(held->path());
  if (identity.ok() && *identity == file.identity) file.held = std::move(held);
}

absl::StatusOr<TensorMap> ReadTensors(const WeightFile& file, TensorData data) {
  absl::StatusOr<TensorMap> tensors = file.is_torch_file ? ReadTorchFile(file.source(), data)
                                                         : ReadSafetensors(file.source(), data);
  // What the reader names is the descriptor.
  if (!tensors.ok() && file.held != nullptr) return InFile(file.path, tensors.status());
  return tensors;
}

absl::Status CheckUnchanged(const WeightFile& file) {
  const absl::StatusOr<FileIdentity> now = IdentifyFile(file.source());
  if (now.ok() && *now == file.identity) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat(file.path, now.ok() ? " has changed" : " cannot be seen any more",
                   " since the task was registered; reload the task"));
}

}  // namespace fathom
