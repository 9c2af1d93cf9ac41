#include "runtime/task/format/checked_fusion.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/str_cat.h"
#include "runtime/file/mapped_file.h"
#include "runtime/model/json_fields.h"
#include "runtime/task/format/adapter_tensors.h"
#include "runtime/task/format/file_names.h"
#include "runtime/task/format/fusion_tensors.h"

namespace fathom {
namespace {

using nlohmann::json;

std::string PlaceNames(const AdapterLayout& layout) {
  std::string names;
  for (const auto& [place, name] : {std::pair(Place::kAttention, "attention (mh_adapter)"),
                                    std::pair(Place::kFfn, "FFN (output_adapter)")}) {
    if (!layout.site(place)) continue;
    absl::StrAppend(&names, names.empty() ? "" : " and ", name);
  }
  return names;
}

std::string InputName(AdapterInput input) {
  return input == AdapterInput::kNormalizedSum ? "the normalised sum (original_ln_before)"
                                               : "the dense output";
}

// The fused output goes to one place, and its query is what all members read.
absl::Status CheckAlike(const AdapterConfig& first, const AdapterConfig& other) {
  for (const Place place : {Place::kAttention, Place::kFfn}) {
    const auto& left = first.layout.site(place);
    const auto& right = other.layout.site(place);
    if (left.has_value() != right.has_value()) {
      return absl::InvalidArgumentError(absl::StrCat(
          "adapters of a fusion must stand at the same places: ", Quote(first.name), " is at ",
          PlaceNames(first.layout), ", ", Quote(other.name), " at ", PlaceNames(other.layout)));
    }
    if (left && left->input != right->input) {
      return absl::InvalidArgumentError(absl::StrCat(
          "adapters of a fusion must read the same: ", Quote(first.name), " reads ",
          InputName(left->input), ", ", Quote(other.name), " ", InputName(right->input)));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<CheckedFusion::Member> CheckMember(const std::string& folder,
                                                  const std::string& name,
                                                  const EncoderConfig& encoder) {
  const std::string path = JoinPath(folder, kAdapterConfigFile);
  absl::StatusOr<json> file = ReadJsonFile(path);
  if (!file.ok()) return file.status();
  absl::StatusOr<AdapterConfig> config = ParseAdapterConfig(*file, encoder);
  if (!config.ok()) return InFile(path, config.status());
  if (config->name != name) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": name is ", Quote(config->name),
                                                   ", expected ", Quote(name),
                                                   ", its name in the fusion"));
  }
  if (absl::Status status = CheckFusable(config->layout); !status.ok()) {
    return InFile(path, status);
  }
  absl::StatusOr<WeightFile> weights = FindWeightFile(folder, kAdapterWeightFiles);
  if (!weights.ok()) return weights.status();
  return CheckedFusion::Member{.config = *std::move(config), .file = *std::move(weights)};
}

}  // namespace

absl::Status CheckFusable(const AdapterLayout& layout) {
  for (const auto& site : layout.sites) {
    if (site && site->input == AdapterInput::kResidual) {
      return absl::InvalidArgumentError(
          "config: is_parallel is true, expected false: the library adds the residual input twice "
          "where it fuses parallel adapters, and Fathom does not compute that");
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<CheckedFusion> CheckFusion(const std::string& folder, const FusionSetup& setup,
                                          const EncoderConfig& encoder) {
  CheckedFusion fusion;
  for (const std::string& name : setup.member_names) {
    absl::StatusOr<CheckedFusion::Member> member =
        CheckMember(JoinPath(folder, name), name, encoder);
    if (!member.ok()) return member.status();
    fusion.members.push_back(*std::move(member));
    const absl::Status alike =
        CheckAlike(fusion.members.front().config, fusion.members.back().config);
    if (!alike.ok()) return InFile(JoinPath(folder, name), alike);
  }
  const std::string own = JoinPath(folder, setup.name);
  const std::string path = JoinPath(own, kFusionConfigFile);
  absl::StatusOr<json> file = ReadJsonFile(path);
  if (!file.ok()) return file.status();
  absl::StatusOr<FusionConfig> config = ParseFusionConfig(*file, encoder);
  if (!config.ok()) return InFile(path, config.status());
  fusion.config = *std::move(config);
  absl::StatusOr<WeightFile> weights = FindWeightFile(own, kFusionWeightFiles);
  if (!weights.ok()) return weights.status();
  fusion.file = *std::move(weights);
  return fusion;
}

absl::StatusOr<Fusion> ReadFusion(const CheckedFusion& fusion, const EncoderConfig& encoder,
                                  TensorData data) {
  Fusion read;
  for (const CheckedFusion::Member& member : fusion.members) {
    absl::StatusOr<TensorMap> tensors = ReadTensors(member.file, data);
    if (!tensors.ok()) return tensors.status();
    absl::StatusOr<Adapter> adapter = ReadModules(member.config, encoder, *tensors);
    if (!adapter.ok()) return InFile(member.file.path, adapter.status());
    read.member_names.push_back(member.config.name);
    read.members.push_back(*std::move(adapter));
  }
  absl::StatusOr<TensorMap> tensors = ReadTensors(fusion.file, data);
  if (!tensors.ok()) return tensors.status();
  const absl::Status status = ReadFusionLayers(fusion.config, encoder.hidden_size, *tensors, read);
  if (!status.ok()) return InFile(fusion.file.path, status);
  return read;
}

absl::Status CheckUnchanged(const CheckedFusion& fusion) {
  absl::Status status = CheckUnchanged(fusion.file);
  for (const CheckedFusion::Member& member : fusion.members) {
    if (status.ok()) status = CheckUnchanged(member.file);
  }
  return status;
}

}  // namespace fathom
