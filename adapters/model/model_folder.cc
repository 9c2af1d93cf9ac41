#include "adapters/model/model_folder.h"

#include <array>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <system_error>
#include <utility>

#include "absl/strings/str_cat.h"
#include "runtime/file/atomic_file.h"
#include "runtime/file/mapped_file.h"
#include "runtime/task/format/staged_folder.h"
#include "runtime/task/format/training_record.h"

namespace fathom::training {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr std::array<const char*, 7> kTokenizerFiles = {
    "tokenizer.json", "tokenizer_config.json", "vocab.txt", "special_tokens_map.json", "vocab.json",
    "merges.txt",     "added_tokens.json"};

absl::StatusOr<json> MakeConfig(const std::string& encoder_dir, const Head& head, WeightDtype dtype,
                                const TrainingRecord& record) {
  const absl::StatusOr<std::string> text = ReadTextFile(encoder_dir + "/config.json");
  if (!text.ok()) return text.status();
  json config = json::parse(*text, nullptr, /*allow_exceptions=*/false);
  if (!config.is_object()) {
    return absl::InvalidArgumentError(absl::StrCat(encoder_dir, "/config.json is not an object"));
  }
  config["architectures"] = {"BertForSequenceClassification"};
  config["torch_dtype"] = dtype == WeightDtype::kFp16 ? "float16" : "float32";
  config["problem_type"] = head.labels.empty() ? "regression" : "single_label_classification";
  config["id2label"] = json::object();
  config["label2id"] = json::object();
  const std::vector<std::string> labels =
      head.labels.empty() ? std::vector<std::string>{"value"} : head.labels;
  for (size_t i = 0; i < labels.size(); ++i) {
    config["id2label"][absl::StrCat(i)] = labels[i];
    config["label2id"][labels[i]] = i;
  }
  const absl::StatusOr<json> fathom = MakeTrainingRecord(record);
  if (!fathom.ok()) return fathom.status();
  config["fathom"] = *fathom;
  return config;
}

TensorMap MakeTensors(const FullTask& task, WeightDtype dtype) {
  TensorMap tensors;
  for (const auto& [name, tensor] : task.encoder().FileTensors()) tensors["bert." + name] = tensor;
  const Head& head = task.head();
  tensors["bert.pooler.dense.weight"] = head.layers[0].weight;
  tensors["bert.pooler.dense.bias"] = head.layers[0].bias;
  tensors["classifier.weight"] = head.layers[1].weight;
  tensors["classifier.bias"] = head.layers[1].bias;
  for (auto& [name, tensor] : tensors) {
    tensor = tensor.detach().to(dtype == WeightDtype::kFp16 ? at::kHalf : at::kFloat).contiguous();
  }
  return tensors;
}

absl::Status CopyTokenizer(const std::string& from, const std::string& to) {
  for (const char* name : kTokenizerFiles) {
    std::error_code error;
    if (!fs::exists(fs::path(from) / name, error)) continue;
    fs::copy_file(fs::path(from) / name, fs::path(to) / name, error);
    if (error) {
      return absl::InternalError(
          absl::StrCat("cannot copy ", from, "/", name, ": ", error.message()));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status WriteModelFolder(const std::string& folder, const FullTask& task,
                              const std::string& encoder_dir, WeightDtype dtype,
                              const TrainingRecord& record) {
  const absl::StatusOr<json> config = MakeConfig(encoder_dir, task.head(), dtype, record);
  if (!config.ok()) return config.status();
  absl::StatusOr<std::unique_ptr<StagedFolder>> staged = StagedFolder::Create(folder);
  if (!staged.ok()) return staged.status();
  const std::string& path = (*staged)->path();
  absl::Status status = CopyTokenizer(encoder_dir, path);
  if (status.ok()) status = WriteFileAtomically(path + "/config.json", config->dump(2) + "\n");
  if (status.ok()) status = WriteSafetensors(path + "/model.safetensors", MakeTensors(task, dtype));
  if (!status.ok()) return status;
  return (*staged)->Commit();
}

}  // namespace fathom::training
