#include <filesystem>
#include <map>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "runtime/model/json_fields.h"
#include "runtime/model/mapped_file.h"
#include "runtime/model/tensor_file.h"

namespace fathom {
namespace {

constexpr char kWeightsFile[] = "model.safetensors";
constexpr char kIndexFile[] = "model.safetensors.index.json";

std::string Join(const std::string& folder, std::string_view name) {
  return (std::filesystem::path(folder) / name).string();
}

// A shard is a file of the folder itself: an index must not reach elsewhere.
bool IsShardName(const std::string& name) {
  return absl::EndsWith(name, ".safetensors") && !absl::StrContains(name, "/") &&
         name.find('\0') == std::string::npos;
}

using NamesByShard = std::map<std::string, std::vector<std::string>>;

absl::StatusOr<NamesByShard> ParseIndex(std::string_view text) {
  absl::StatusOr<nlohmann::json> index = ParseJsonObject(text);
  if (!index.ok()) return index.status();
  const nlohmann::json* weight_map = JsonFields(*index).Find("weight_map");
  if (weight_map == nullptr || !weight_map->is_object() || weight_map->empty()) {
    return absl::InvalidArgumentError("weight_map is not an object of tensor names and shards");
  }
  NamesByShard names_by_shard;
  for (const auto& [name, shard] : weight_map->items()) {
    if (!shard.is_string() || !IsShardName(shard.get_ref<const std::string&>())) {
      return absl::InvalidArgumentError(
          absl::StrCat("weight_map: ", Quote(name), " is in ", QuoteJson(shard),
                       ", expected the name of a .safetensors file in the same folder"));
    }
    names_by_shard[shard.get<std::string>()].push_back(name);
  }
  return names_by_shard;
}

absl::StatusOr<TensorMap> ReadShards(const std::string& folder,
                                     const NamesByShard& names_by_shard) {
  TensorMap tensors;
  for (const auto& [shard, names] : names_by_shard) {
    const std::string path = Join(folder, shard);
    absl::StatusOr<TensorMap> shard_tensors = ReadSafetensors(path);
    if (!shard_tensors.ok()) return shard_tensors.status();
    for (const std::string& name : names) {
      auto node = shard_tensors->extract(name);
      if (node.empty()) {
        return absl::InvalidArgumentError(
            absl::StrCat(path, ": tensor ", Quote(name), " is missing, the index lists it"));
      }
      tensors.insert(std::move(node));
    }
  }
  return tensors;
}

}  // namespace

absl::StatusOr<TensorMap> ReadModelFolder(const std::string& folder) {
  absl::StatusOr<TensorMap> single = ReadSafetensors(Join(folder, kWeightsFile));
  if (!absl::IsNotFound(single.status())) return single;

  const std::string index_path = Join(folder, kIndexFile);
  absl::StatusOr<std::string> text = ReadTextFile(index_path);
  if (absl::IsNotFound(text.status())) {
    return absl::NotFoundError(
        absl::StrCat(folder, " holds neither ", kWeightsFile, " nor ", kIndexFile));
  }
  if (!text.ok()) return text.status();
  absl::StatusOr<NamesByShard> names_by_shard = ParseIndex(*text);
  if (!names_by_shard.ok()) return InFile(index_path, names_by_shard.status());
  return ReadShards(folder, *names_by_shard);
}

}  // namespace fathom
