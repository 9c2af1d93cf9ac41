#include "runtime/task/format/checked_folder.h"

#include <exception>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/str_cat.h"
#include "runtime/file/mapped_file.h"
#include "runtime/model/json_fields.h"
#include "runtime/model/tensor_file.h"
#include "runtime/task/format/adapter_tensors.h"
#include "runtime/task/format/file_names.h"
#include "runtime/task/format/training_record.h"
#include "runtime/task/pack_weights.h"

namespace fathom {
namespace {

using nlohmann::json;

std::string Join(const std::string& folder, const char* name) {
  return (std::filesystem::path(folder) / name).string();
}

bool Exists(const std::string& path) {
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

// safetensors wins: it is checked more strictly and does not need to be unpacked.
absl::StatusOr<WeightFile> FindWeightFile(const std::string& folder, const WeightFileNames& names) {
  for (const bool is_torch_file : {false, true}) {
    const std::string path = Join(folder, is_torch_file ? names.torch : names.safetensors);
    absl::StatusOr<FileIdentity> identity = IdentifyFile(path);
    if (absl::IsNotFound(identity.status())) continue;
    if (!identity.ok()) return identity.status();
    return WeightFile{.path = path, .is_torch_file = is_torch_file, .identity = *identity};
  }
  return absl::NotFoundError(
      absl::StrCat(folder, " holds neither ", names.safetensors, " nor ", names.torch));
}

absl::StatusOr<TensorMap> ReadTensors(const WeightFile& file, TensorData data) {
  return file.is_torch_file ? ReadTorchFile(file.path, data) : ReadSafetensors(file.path, data);
}

absl::StatusOr<Adapter> ReadAdapter(const CheckedFolder& folder, TensorData data) {
  absl::StatusOr<TensorMap> tensors = ReadTensors(folder.adapter_file, data);
  if (!tensors.ok()) return tensors.status();
  absl::StatusOr<Adapter> adapter = ReadModules(folder.adapter, folder.encoder, *tensors);
  if (!adapter.ok()) return InFile(folder.adapter_file.path, adapter.status());
  return adapter;
}

// Nothing if the folder has no head.
absl::StatusOr<std::optional<Head>> ReadFolderHead(const CheckedFolder& folder, TensorData data) {
  if (!folder.head) return std::nullopt;
  absl::StatusOr<TensorMap> tensors = ReadTensors(folder.head_file, data);
  if (!tensors.ok()) return tensors.status();
  absl::StatusOr<Head> head = ReadHead(*folder.head, folder.encoder, *tensors);
  if (!head.ok()) return InFile(folder.head_file.path, head.status());
  return std::optional<Head>(*std::move(head));
}

// The adapter's config and training record.
absl::Status ReadAdapterJson(const std::string& path, CheckedFolder& folder) {
  absl::StatusOr<json> file = ReadJsonFile(path);
  if (!file.ok()) return file.status();
  absl::StatusOr<AdapterConfig> config = ParseAdapterConfig(*file, folder.encoder);
  if (!config.ok()) return InFile(path, config.status());
  folder.adapter = *std::move(config);
  if (const json* record = JsonFields(*file).Find(kTrainingRecordKey)) {
    absl::StatusOr<TrainingRecord> training = ParseTrainingRecord(*record, folder.encoder.layers);
    if (!training.ok()) return InFile(path, training.status());
    folder.training = *std::move(training);
  }
  return absl::OkStatus();
}

// The head's config, if there is a head, and where its weights are.
absl::Status ReadHeadJson(const std::string& path, CheckedFolder& folder) {
  const std::string parent = std::filesystem::path(path).parent_path().string();
  absl::StatusOr<json> file = ReadJsonFile(path);
  if (absl::IsNotFound(file.status())) {
    for (const char* name : {kHeadWeightFiles.safetensors, kHeadWeightFiles.torch}) {
      if (Exists(Join(parent, name))) {
        return absl::InvalidArgumentError(
            absl::StrCat(Join(parent, name), ": there is no ", kHeadConfigFile, " beside it"));
      }
    }
    return absl::OkStatus();
  }
  if (!file.ok()) return file.status();
  absl::StatusOr<HeadConfig> config = ParseHeadConfig(*file, folder.encoder);
  if (!config.ok()) return InFile(path, config.status());
  absl::StatusOr<WeightFile> weights = FindWeightFile(parent, kHeadWeightFiles);
  if (!weights.ok()) return weights.status();
  folder.head = *std::move(config);
  folder.head_file = *std::move(weights);
  return absl::OkStatus();
}

absl::StatusOr<CheckedFolder> CheckUnguarded(const std::string& path,
                                             const EncoderConfig& encoder) {
  CheckedFolder folder{.encoder = encoder};
  absl::Status status = ReadAdapterJson(Join(path, kAdapterConfigFile), folder);
  if (!status.ok()) return status;
  absl::StatusOr<WeightFile> weights = FindWeightFile(path, kAdapterWeightFiles);
  if (!weights.ok()) return weights.status();
  folder.adapter_file = *std::move(weights);
  const absl::StatusOr<Adapter> adapter = ReadAdapter(folder, TensorData::kLeave);
  if (!adapter.ok()) return adapter.status();

  status = ReadHeadJson(Join(path, kHeadConfigFile), folder);
  if (!status.ok()) return status;
  const absl::StatusOr<std::optional<Head>> head = ReadFolderHead(folder, TensorData::kLeave);
  if (!head.ok()) return head.status();
  folder.packed_bytes = PackedBytes(*adapter, head->has_value() ? &**head : nullptr);
  return folder;
}

absl::Status CheckUnchanged(const WeightFile& file) {
  const absl::StatusOr<FileIdentity> now = IdentifyFile(file.path);
  if (now.ok() && *now == file.identity) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat(file.path, now.ok() ? " has changed" : " cannot be seen any more",
                   " since the task was registered; reload the task"));
}

absl::Status CheckUnchanged(const CheckedFolder& folder) {
  absl::Status status = CheckUnchanged(folder.adapter_file);
  if (status.ok() && folder.head) status = CheckUnchanged(folder.head_file);
  return status;
}

absl::StatusOr<FolderWeights> ReadUnguarded(const CheckedFolder& folder) {
  absl::Status status = CheckUnchanged(folder);
  if (!status.ok()) return status;
  absl::StatusOr<Adapter> adapter = ReadAdapter(folder, TensorData::kRead);
  if (!adapter.ok()) return adapter.status();
  absl::StatusOr<std::optional<Head>> head = ReadFolderHead(folder, TensorData::kRead);
  if (!head.ok()) return head.status();
  FolderWeights weights{.adapter = *std::move(adapter), .head = *std::move(head)};
  PackWeights(weights.adapter, weights.head ? &*weights.head : nullptr);
  status = CheckUnchanged(folder);
  if (!status.ok()) return status;
  return weights;
}

}  // namespace

absl::StatusOr<CheckedFolder> CheckAdapterFolder(const std::string& folder,
                                                 const EncoderConfig& encoder) {
  try {
    return CheckUnguarded(folder, encoder);
  } catch (const std::exception& error) {  // no memory for what passed all checks
    return absl::ResourceExhaustedError(absl::StrCat(folder, ": ", error.what()));
  }
}

absl::StatusOr<FolderWeights> ReadFolderWeights(const CheckedFolder& folder) {
  try {
    return ReadUnguarded(folder);
  } catch (const std::exception& error) {  // no memory
    return absl::ResourceExhaustedError(absl::StrCat(folder.adapter_file.path, ": ", error.what()));
  }
}

}  // namespace fathom
