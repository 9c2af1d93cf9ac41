// The bottleneck adapter that an adapter_config.json describes. Plain values, no Torch.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "runtime/model/encoder_config.h"
#include "runtime/task/site.h"

namespace fathom {

struct AdapterConfig {
  std::string name;
  AdapterLayout layout;
  std::vector<int> widths;  // [L] bottleneck width D of each layer; not used where left out
};

// Reads the file of any version of the `adapters` library. INVALID_ARGUMENT names the key and its
// value: another encoder, or a way of wiring that Fathom does not compute.
absl::StatusOr<AdapterConfig> ParseAdapterConfig(const nlohmann::json& file,
                                                 const EncoderConfig& encoder);

// "pfeiffer", "houlsby", "parallel", or "bottleneck" for other mixes.
std::string ArchitectureName(const AdapterLayout& layout);

// The "config" object with every key that `adapters` 1.3 writes. INVALID_ARGUMENT for a layout that
// one config cannot say: sites that differ.
absl::StatusOr<nlohmann::json> MakeBottleneckConfig(const AdapterConfig& config, int hidden_size);

}  // namespace fathom
