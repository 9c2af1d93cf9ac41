#include "runtime/task/format/adapter_folder.h"

#include <exception>
#include <filesystem>

#include "absl/strings/str_cat.h"
#include "runtime/model/json_fields.h"
#include "runtime/model/mapped_file.h"
#include "runtime/task/format/adapter_config.h"
#include "runtime/task/format/adapter_tensors.h"
#include "runtime/task/format/file_names.h"
#include "runtime/task/format/head_config.h"
#include "runtime/task/format/training_record.h"

namespace fathom {
namespace {

using nlohmann::json;

std::string Join(const std::string& folder, const char* name) {
  return (std::filesystem::path(folder) / name).string();
}

absl::StatusOr<json> ReadJsonFile(const std::string& path) {
  absl::StatusOr<std::string> text = ReadTextFile(path);
  if (!text.ok()) return text.status();
  absl::StatusOr<json> object = ParseJsonObject(*text);
  if (!object.ok()) return InFile(path, object.status());
  return object;
}

struct Weights {
  std::string path;
  TensorMap tensors;
};

// safetensors wins: it is checked more strictly and does not need to be unpacked.
absl::StatusOr<Weights> ReadWeights(const std::string& folder, const WeightFileNames& names) {
  Weights weights{.path = Join(folder, names.safetensors), .tensors = {}};
  absl::StatusOr<TensorMap> tensors = ReadSafetensors(weights.path);
  if (absl::IsNotFound(tensors.status())) {
    weights.path = Join(folder, names.torch);
    tensors = ReadTorchFile(weights.path);
  }
  if (absl::IsNotFound(tensors.status())) {
    return absl::NotFoundError(
        absl::StrCat(folder, " holds neither ", names.safetensors, " nor ", names.torch));
  }
  if (!tensors.ok()) return tensors.status();
  weights.tensors = *std::move(tensors);
  return weights;
}

bool Exists(const std::string& path) {
  std::error_code ignored;
  return std::filesystem::exists(path, ignored);
}

absl::StatusOr<std::optional<Head>> ReadHeadFiles(const std::string& folder,
                                                  const EncoderConfig& encoder) {
  const std::string path = Join(folder, kHeadConfigFile);
  absl::StatusOr<json> file = ReadJsonFile(path);
  if (absl::IsNotFound(file.status())) {
    for (const char* name : {kHeadWeightFiles.safetensors, kHeadWeightFiles.torch}) {
      if (Exists(Join(folder, name))) {
        return absl::InvalidArgumentError(
            absl::StrCat(Join(folder, name), ": there is no ", kHeadConfigFile, " beside it"));
      }
    }
    return std::nullopt;
  }
  if (!file.ok()) return file.status();
  absl::StatusOr<HeadConfig> config = ParseHeadConfig(*file, encoder);
  if (!config.ok()) return InFile(path, config.status());
  absl::StatusOr<Weights> weights = ReadWeights(folder, kHeadWeightFiles);
  if (!weights.ok()) return weights.status();
  absl::StatusOr<Head> head = ReadHead(*config, encoder, weights->tensors);
  if (!head.ok()) return InFile(weights->path, head.status());
  return std::optional<Head>(*std::move(head));
}

absl::StatusOr<AdapterFolder> ReadUnguarded(const std::string& folder,
                                            const EncoderConfig& encoder) {
  const std::string path = Join(folder, kAdapterConfigFile);
  absl::StatusOr<json> file = ReadJsonFile(path);
  if (!file.ok()) return file.status();
  absl::StatusOr<AdapterConfig> config = ParseAdapterConfig(*file, encoder);
  if (!config.ok()) return InFile(path, config.status());

  AdapterFolder content;
  content.name = config->name;
  content.architecture = ArchitectureName(config->layout);
  if (const json* record = JsonFields(*file).Find(kTrainingRecordKey)) {
    absl::StatusOr<TrainingRecord> training = ParseTrainingRecord(*record, encoder.layers);
    if (!training.ok()) return InFile(path, training.status());
    content.training = *std::move(training);
  }

  absl::StatusOr<Weights> weights = ReadWeights(folder, kAdapterWeightFiles);
  if (!weights.ok()) return weights.status();
  absl::StatusOr<Adapter> adapter = ReadModules(*config, encoder, weights->tensors);
  if (!adapter.ok()) return InFile(weights->path, adapter.status());
  content.adapter = *std::move(adapter);

  absl::StatusOr<std::optional<Head>> head = ReadHeadFiles(folder, encoder);
  if (!head.ok()) return head.status();
  content.head = *std::move(head);
  return content;
}

}  // namespace

absl::StatusOr<AdapterFolder> ReadAdapterFolder(const std::string& folder,
                                                const EncoderConfig& encoder) {
  try {
    return ReadUnguarded(folder, encoder);
  } catch (const std::exception& error) {  // no memory for what passed all checks
    return absl::ResourceExhaustedError(absl::StrCat(folder, ": ", error.what()));
  }
}

}  // namespace fathom
