#include <exception>
#include <filesystem>
#include <memory>
#include <optional>
#include <set>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "runtime/file/atomic_file.h"
#include "runtime/file/mapped_file.h"
#include "runtime/model/json_fields.h"
#include "runtime/task/format/adapter_files.h"
#include "runtime/task/format/checked_fusion.h"
#include "runtime/task/format/file_names.h"
#include "runtime/task/format/fusion_config.h"
#include "runtime/task/format/fusion_folder.h"
#include "runtime/task/format/fusion_tensors.h"
#include "runtime/task/format/staged_folder.h"
#include "runtime/task/format/training_record.h"
#include "runtime/task/format/weight_file.h"

namespace fathom {
namespace {

using nlohmann::json;

// Everything of the folder, made before the first byte is written.
struct Files {
  FusionSetup setup;
  json setup_json;
  std::vector<ConfiguredWeights> members;
  ConfiguredWeights fusion;
  std::optional<ConfiguredWeights> head;
};

bool IsPlainName(const std::string& name) {
  return !name.empty() && name.find_first_of("./") == std::string::npos;
}

absl::Status CheckNames(const FusionSetup& setup) {
  const std::set<std::string> distinct(setup.member_names.begin(), setup.member_names.end());
  if (distinct.size() != setup.member_names.size()) {
    return absl::InvalidArgumentError("two adapters of the fusion have one name");
  }
  for (const std::string& name : setup.member_names) {
    if (!IsPlainName(name) || name.find(',') != std::string::npos) {
      return absl::InvalidArgumentError(absl::StrCat(
          "an adapter's name is ", Quote(name), ", expected one without dots, slashes and commas"));
    }
  }
  if (!IsPlainName(setup.name) || (distinct.size() > 1 && distinct.contains(setup.name))) {
    return absl::InvalidArgumentError(absl::StrCat("the fusion's name is ", Quote(setup.name),
                                                   ", expected one without dots and slashes that "
                                                   "is no adapter's"));
  }
  return absl::OkStatus();
}

bool HasShapes(const FusionLayer& layer, int64_t hidden, bool has_value) {
  const auto fits = [](const at::Tensor& tensor, at::IntArrayRef shape) {
    return tensor.defined() && tensor.sizes() == shape;
  };
  return fits(layer.query_weight, {hidden, hidden}) && fits(layer.query_bias, {hidden}) &&
         fits(layer.key_weight, {hidden, hidden}) && fits(layer.key_bias, {hidden}) &&
         layer.value_weight.defined() == has_value &&
         (!has_value || fits(layer.value_weight, {hidden, hidden}));
}

bool HasValue(const Fusion& fusion) {
  for (const auto& places : fusion.layers) {
    for (const auto& layer : places) {
      if (layer) return layer->value_weight.defined();
    }
  }
  return true;
}

// REQUIRES: members that fit the encoder.
absl::Status CheckLayers(const Fusion& fusion, const EncoderConfig& encoder) {
  const AdapterLayout layout = FusedLayout(fusion);
  if (fusion.layers.size() != static_cast<size_t>(encoder.layers)) {
    return absl::InvalidArgumentError(absl::StrCat("the fusion has ", fusion.layers.size(),
                                                   " layers, the encoder ", encoder.layers));
  }
  const bool has_value = HasValue(fusion);
  for (int layer = 0; layer < encoder.layers; ++layer) {
    for (const Place place : {Place::kAttention, Place::kFfn}) {
      const auto& own = fusion.layers[static_cast<size_t>(layer)][static_cast<size_t>(place)];
      if (own.has_value() != layout.HasModule(layer, place)) {
        return absl::InvalidArgumentError(absl::StrCat(
            "layer ", layer, ": a fusion stands exactly where an adapter of it stands"));
      }
      if (own && !HasShapes(*own, encoder.hidden_size, has_value)) {
        return absl::InvalidArgumentError(
            absl::StrCat("layer ", layer, " of the fusion: its tensors are not of hidden size ",
                         encoder.hidden_size, ", or only some layers have a value matrix"));
      }
    }
  }
  return absl::OkStatus();
}

absl::Status MakeMembers(const Fusion& fusion, const EncoderConfig& encoder,
                         const ModelNames& names, WeightDtype dtype, Files& files) {
  for (size_t j = 0; j < fusion.members.size(); ++j) {
    absl::StatusOr<ConfiguredWeights> member =
        MakeAdapterFiles(fusion.member_names[j], fusion.members[j], encoder, names, dtype);
    const absl::Status status =
        member.ok() ? CheckFusable(fusion.members[j].layout) : member.status();
    if (!status.ok()) return InFile("adapter " + Quote(fusion.member_names[j]), status);
    files.members.push_back(*std::move(member));
  }
  return CheckLayers(fusion, encoder);
}

absl::StatusOr<Files> MakeFiles(const FusionFolder& content, const EncoderConfig& encoder,
                                const ModelNames& names, WeightDtype dtype) {
  const Fusion& fusion = content.fusion;
  if (fusion.members.empty() || fusion.members.size() != fusion.member_names.size()) {
    return absl::InvalidArgumentError(absl::StrCat("a fusion of ", fusion.members.size(),
                                                   " adapters has ", fusion.member_names.size(),
                                                   " names"));
  }
  Files files;
  files.setup.member_names = fusion.member_names;
  files.setup.name = content.name.empty() ? absl::StrJoin(fusion.member_names, ",") : content.name;
  if (content.head) files.setup.head_folder = files.setup.name;
  absl::Status status = CheckNames(files.setup);
  if (status.ok()) status = MakeMembers(fusion, encoder, names, dtype, files);
  if (!status.ok()) return status;

  files.setup_json = MakeFusionSetup(files.setup);
  if (content.training) {
    absl::StatusOr<json> record = MakeTrainingRecord(*content.training);
    if (!record.ok()) return record.status();
    files.setup_json[kTrainingRecordKey] = *std::move(record);
  }
  const FusionConfig config{.name = files.setup.name, .has_value = HasValue(fusion)};
  files.fusion.config = MakeTopLevel(config.name, encoder, names, MakeFusionConfig(config));
  files.fusion.config["adapter_names"] = fusion.member_names;
  files.fusion.tensors = Convert(FusionTensors(fusion, config.name), dtype);
  if (content.head) {
    absl::StatusOr<ConfiguredWeights> head =
        MakeHeadFiles(files.setup.name, *content.head, encoder, names, dtype);
    if (!head.ok()) return head.status();
    files.head = *std::move(head);
  }
  return files;
}

absl::StatusOr<std::string> MakeSubFolder(const std::string& folder, const std::string& name) {
  const std::string path = JoinPath(folder, name);
  std::error_code error;
  std::filesystem::create_directory(path, error);
  if (error) return absl::ErrnoToStatus(error.value(), absl::StrCat("cannot make ", path));
  return path;
}

absl::Status WriteInto(const std::string& folder, const Files& files) {
  absl::Status status =
      WriteFileAtomically(JoinPath(folder, kSetupFile), files.setup_json.dump(2) + "\n");
  for (size_t j = 0; status.ok() && j < files.members.size(); ++j) {
    const auto path = MakeSubFolder(folder, files.setup.member_names[j]);
    status = path.ok()
                 ? WriteConfigured(*path, kAdapterConfigFile, kAdapterWeightFiles, files.members[j])
                 : path.status();
  }
  if (!status.ok()) return status;
  const auto path = MakeSubFolder(folder, files.setup.name);
  if (!path.ok()) return path.status();
  status = WriteConfigured(*path, kFusionConfigFile, kFusionWeightFiles, files.fusion);
  if (status.ok() && files.head) {
    status = WriteConfigured(*path, kHeadConfigFile, kHeadWeightFiles, *files.head);
  }
  return status;
}

absl::Status WriteUnguarded(const std::string& folder, const Files& files) {
  absl::StatusOr<std::unique_ptr<StagedFolder>> staged = StagedFolder::Create(folder);
  if (!staged.ok()) return staged.status();
  const absl::Status status = WriteInto((*staged)->path(), files);
  return status.ok() ? (*staged)->Commit() : status;
}

}  // namespace

absl::Status WriteFusionFolder(const std::string& folder, const FusionFolder& content,
                               const EncoderConfig& encoder, const ModelNames& names,
                               WeightDtype dtype) {
  try {
    absl::StatusOr<Files> files = MakeFiles(content, encoder, names, dtype);
    if (!files.ok()) return InFile("cannot write " + folder, files.status());
    return WriteUnguarded(folder, *files);
  } catch (const std::exception& error) {  // a name that is not UTF-8, no memory
    return absl::InvalidArgumentError(absl::StrCat("cannot write ", folder, ": ", error.what()));
  }
}

}  // namespace fathom
