#include "runtime/task/format/checked_folder.h"

#include <exception>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/str_cat.h"
#include "runtime/file/mapped_file.h"
#include "runtime/model/json_fields.h"
#include "runtime/task/format/adapter_tensors.h"
#include "runtime/task/format/file_names.h"
#include "runtime/task/format/fusion_config.h"
#include "runtime/task/format/fusion_folder.h"
#include "runtime/task/format/shared_layers.h"
#include "runtime/task/format/training_record.h"
#include "runtime/task/format/weight_file.h"
#include "runtime/task/fusion.h"
#include "runtime/task/pack_weights.h"

namespace fathom {
namespace {

using nlohmann::json;

absl::StatusOr<Adapter> ReadAdapter(const CheckedFolder& folder, TensorData data) {
  absl::StatusOr<TensorMap> tensors = ReadTensors(folder.adapter_file, data);
  if (!tensors.ok()) return tensors.status();
  absl::StatusOr<Adapter> adapter = ReadModules(folder.adapter, folder.encoder, *tensors);
  absl::Status status = adapter.status();
  if (status.ok() && folder.training && folder.training->shares_layers) {
    status = ShareLayers(*adapter);
  }
  if (!status.ok()) return InFile(folder.adapter_file.path, status);
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

// Of the JSON of the file `path`.
absl::Status ReadTrainingRecord(const std::string& path, const json& file, CheckedFolder& folder) {
  const json* record = JsonFields(file).Find(kTrainingRecordKey);
  if (record == nullptr) return absl::OkStatus();
  absl::StatusOr<TrainingRecord> training = ParseTrainingRecord(*record, folder.encoder.layers);
  if (!training.ok()) return InFile(path, training.status());
  folder.training = *std::move(training);
  return absl::OkStatus();
}

// The adapter's config and training record.
absl::Status ReadAdapterJson(const std::string& path, CheckedFolder& folder) {
  absl::StatusOr<json> file = ReadJsonFile(path);
  if (!file.ok()) return file.status();
  absl::StatusOr<AdapterConfig> config = ParseAdapterConfig(*file, folder.encoder);
  if (!config.ok()) return InFile(path, config.status());
  folder.adapter = *std::move(config);
  return ReadTrainingRecord(path, *file, folder);
}

// The config of the head in the folder `parent`, if there is one, and where its weights are.
absl::Status ReadHeadJson(const std::string& parent, CheckedFolder& folder) {
  const std::string path = JoinPath(parent, kHeadConfigFile);
  absl::StatusOr<json> file = ReadJsonFile(path);
  if (absl::IsNotFound(file.status())) {
    for (const char* name : {kHeadWeightFiles.safetensors, kHeadWeightFiles.torch}) {
      if (FileExists(JoinPath(parent, name))) {
        return absl::InvalidArgumentError(
            absl::StrCat(JoinPath(parent, name), ": there is no ", kHeadConfigFile, " beside it"));
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

// The bytes of all weights, from their shapes.
absl::Status CountBytes(const Adapter& adapter, CheckedFolder& folder) {
  const absl::StatusOr<std::optional<Head>> head = ReadFolderHead(folder, TensorData::kLeave);
  if (!head.ok()) return head.status();
  folder.packed_bytes = PackedBytes(adapter, head->has_value() ? &**head : nullptr);
  return absl::OkStatus();
}

absl::Status CheckHead(const std::string& parent, const Adapter& adapter, CheckedFolder& folder) {
  const absl::Status status = ReadHeadJson(parent, folder);
  return status.ok() ? CountBytes(adapter, folder) : status;
}

absl::StatusOr<CheckedFolder> CheckAdapterUnguarded(const std::string& path,
                                                    const EncoderConfig& encoder) {
  CheckedFolder folder{.encoder = encoder};
  absl::Status status = ReadAdapterJson(JoinPath(path, kAdapterConfigFile), folder);
  if (!status.ok()) return status;
  absl::StatusOr<WeightFile> weights = FindWeightFile(path, kAdapterWeightFiles);
  if (!weights.ok()) return weights.status();
  folder.adapter_file = *std::move(weights);
  const absl::StatusOr<Adapter> adapter = ReadAdapter(folder, TensorData::kLeave);
  if (!adapter.ok()) return adapter.status();

  status = CheckHead(path, *adapter, folder);
  if (!status.ok()) return status;
  return folder;
}

absl::StatusOr<CheckedFolder> CheckFusionUnguarded(const std::string& path,
                                                   const EncoderConfig& encoder) {
  const std::string setup_path = JoinPath(path, kSetupFile);
  absl::StatusOr<json> file = ReadJsonFile(setup_path);
  if (!file.ok()) return file.status();
  absl::StatusOr<FusionSetup> setup = ParseFusionSetup(*file);
  if (!setup.ok()) return InFile(setup_path, setup.status());
  CheckedFolder folder{.encoder = encoder};
  absl::Status status = ReadTrainingRecord(setup_path, *file, folder);
  if (!status.ok()) return status;
  absl::StatusOr<CheckedFusion> fusion = CheckFusion(path, *setup, encoder);
  if (!fusion.ok()) return fusion.status();
  absl::StatusOr<Fusion> shapes = ReadFusion(*fusion, encoder, TensorData::kLeave);
  if (!shapes.ok()) return shapes.status();
  const Adapter absorbed = AbsorbFusion(*shapes);
  folder.adapter = {
      .name = setup->name, .layout = absorbed.layout, .widths = EffectiveWidths(absorbed)};
  folder.fusion = *std::move(fusion);
  status = setup->head_folder ? CheckHead(JoinPath(path, *setup->head_folder), absorbed, folder)
                              : CountBytes(absorbed, folder);
  if (!status.ok()) return status;
  if (setup->head_folder && !folder.head) {
    return absl::NotFoundError(absl::StrCat(setup_path, ": head_setup names a head, and ",
                                            JoinPath(path, *setup->head_folder), " holds no ",
                                            kHeadConfigFile));
  }
  return folder;
}

absl::Status CheckUnchanged(const CheckedFolder& folder) {
  absl::Status status =
      folder.fusion ? CheckUnchanged(*folder.fusion) : CheckUnchanged(folder.adapter_file);
  if (status.ok() && folder.head) status = CheckUnchanged(folder.head_file);
  return status;
}

absl::StatusOr<Adapter> ReadAbsorbed(const CheckedFolder& folder) {
  absl::StatusOr<Fusion> fusion = ReadFusion(*folder.fusion, folder.encoder, TensorData::kRead);
  if (!fusion.ok()) return fusion.status();
  return AbsorbFusion(*fusion);
}

absl::StatusOr<FolderWeights> ReadUnguarded(const CheckedFolder& folder) {
  absl::Status status = CheckUnchanged(folder);
  if (!status.ok()) return status;
  absl::StatusOr<Adapter> adapter =
      folder.fusion ? ReadAbsorbed(folder) : ReadAdapter(folder, TensorData::kRead);
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
    return CheckAdapterUnguarded(folder, encoder);
  } catch (const std::exception& error) {  // no memory for what passed all checks
    return absl::ResourceExhaustedError(absl::StrCat(folder, ": ", error.what()));
  }
}

absl::StatusOr<CheckedFolder> CheckFusionFolder(const std::string& folder,
                                                const EncoderConfig& encoder) {
  try {
    return CheckFusionUnguarded(folder, encoder);
  } catch (const std::exception& error) {
    return absl::ResourceExhaustedError(absl::StrCat(folder, ": ", error.what()));
  }
}

absl::StatusOr<CheckedFolder> CheckTaskFolder(const std::string& folder,
                                              const EncoderConfig& encoder) {
  return IsFusionFolder(folder) ? CheckFusionFolder(folder, encoder)
                                : CheckAdapterFolder(folder, encoder);
}

bool IsTaskFolder(const std::string& folder) {
  return IsFusionFolder(folder) || FileExists(JoinPath(folder, kAdapterConfigFile));
}

absl::StatusOr<std::optional<Head>> ReadHeadWeights(const CheckedFolder& folder) {
  return ReadFolderHead(folder, TensorData::kRead);
}

absl::StatusOr<FolderWeights> ReadFolderWeights(const CheckedFolder& folder) {
  try {
    return ReadUnguarded(folder);
  } catch (const std::exception& error) {  // no memory
    return absl::ResourceExhaustedError(absl::StrCat(folder.adapter_file.path, ": ", error.what()));
  }
}

}  // namespace fathom
