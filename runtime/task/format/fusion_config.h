// What the JSON files of a fusion's folder say. Plain values, no Torch.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "runtime/model/encoder_config.h"

namespace fathom {

// adapter_setup.json.
struct FusionSetup {
  std::string name;  // of the fusion and of its sub-folder: the members' names joined by commas
  std::vector<std::string> member_names;   // and sub-folders
  std::optional<std::string> head_folder;  // "": the folder itself; nothing: no head
};

// adapter_fusion_config.json.
struct FusionConfig {
  std::string name;       // in the names of its tensors
  bool has_value = true;  // a value matrix: the "dynamic" kind
};

// INVALID_ARGUMENT names the key and its value: a composition that is no fusion of single adapters,
// or a way of fusing that Fathom does not compute.
absl::StatusOr<FusionSetup> ParseFusionSetup(const nlohmann::json& file);
absl::StatusOr<FusionConfig> ParseFusionConfig(const nlohmann::json& file,
                                               const EncoderConfig& encoder);

// The whole file; head_folder is also the head's name.
nlohmann::json MakeFusionSetup(const FusionSetup& setup);

// The "config" object with every key that `adapters` 1.3 writes.
nlohmann::json MakeFusionConfig(const FusionConfig& config);

}  // namespace fathom
