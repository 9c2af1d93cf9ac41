#include "runtime/task/format/adapter_config.h"

#include <algorithm>
#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "runtime/model/json_fields.h"
#include "runtime/task/format/reduction_factor.h"

namespace fathom {
namespace {

using nlohmann::json;

// Files without a version are from before 2022, when these names meant other functions.
std::string RenameOldActivation(const std::string& name) {
  if (name == "gelu") return "gelu_new";
  if (name == "gelu_orig") return "gelu";
  return name;
}

// What the supported wiring, LN(f + x + scaling · A(input)), needs the other switches to be.
void CheckSwitches(JsonFields& config) {
  if (config.Find("architecture") != nullptr) {
    config.Refuse("architecture", "a bottleneck adapter, which has none");
  }
  for (const char* off :
       {"ln_before", "ln_after", "use_gating", "phm_layer", "adapter_residual_before_ln"}) {
    if (config.Boolean(off, false)) config.Refuse(off, "false: Fathom does not compute it");
  }
  const json* residual = config.Find("residual_before_ln");
  if (residual != nullptr && *residual != true) {
    config.Refuse("residual_before_ln", "true: Fathom does not compute another residual");
  }
  if (!config.Boolean("original_ln_after", true)) {
    config.Refuse("original_ln_after", "true: Fathom keeps the encoder's LayerNorm");
  }
}

AdapterInput ReadInput(JsonFields& config) {
  const bool normalized = config.Boolean("original_ln_before", false);
  if (config.Boolean("is_parallel", false)) return AdapterInput::kResidual;
  return normalized ? AdapterInput::kNormalizedSum : AdapterInput::kDense;
}

Activation ReadActivation(JsonFields& config, bool has_version) {
  std::string name = config.String("non_linearity");
  if (!has_version) name = RenameOldActivation(name);
  const std::optional<Activation> activation = ParseActivation(absl::AsciiStrToLower(name));
  if (!activation) config.Refuse("non_linearity", "an activation that Fathom knows");
  return activation.value_or(Activation::kIdentity);
}

double ReadScaling(JsonFields& config) {
  const json* scaling = config.Find("scaling");
  if (scaling != nullptr && !scaling->is_number()) {
    config.Refuse("scaling", "a number: learned scaling is not supported");
  }
  return config.Number("scaling", 1.0);
}

// A list of layers; an old revision of the library nested the list in another one.
std::vector<bool> ReadLeftOut(JsonFields& config, int layers) {
  std::vector<bool> left_out(static_cast<size_t>(layers), false);
  const json* list = config.Find("leave_out");
  if (list == nullptr) return left_out;
  if (list->is_array() && list->size() == 1 && (*list)[0].is_array()) list = &(*list)[0];
  const bool is_list_of_layers =
      list->is_array() && std::all_of(list->begin(), list->end(), [layers](const json& layer) {
        return layer.is_number_unsigned() && layer.get<uint64_t>() < static_cast<uint64_t>(layers);
      });
  if (!is_list_of_layers) {
    config.Refuse("leave_out", absl::StrCat("a list of layers from 0 to ", layers - 1));
    return left_out;
  }
  for (const json& layer : *list) left_out[layer.get<size_t>()] = true;
  return left_out;
}

AdapterLayout ReadLayout(JsonFields& config, bool has_version, int layers) {
  const AdapterSite site = {.input = ReadInput(config),
                            .activation = ReadActivation(config, has_version),
                            .scaling = ReadScaling(config)};
  AdapterLayout layout;
  if (config.Boolean("mh_adapter")) layout.sites[static_cast<size_t>(Place::kAttention)] = site;
  if (config.Boolean("output_adapter")) layout.sites[static_cast<size_t>(Place::kFfn)] = site;
  if (!layout.site(Place::kAttention) && !layout.site(Place::kFfn)) {
    config.Refuse("output_adapter", "true where mh_adapter is false");
  }
  layout.left_out = ReadLeftOut(config, layers);
  return layout;
}

std::string ReadName(JsonFields& top) {
  std::string name = top.String("name");
  if (name.empty() || name.find('.') != std::string::npos) {
    top.Refuse("name", "a name without dots");
  }
  return name;
}

// Null if the sites differ; a layout has at least one.
const AdapterSite* CommonSite(const AdapterLayout& layout) {
  const auto& attention = layout.site(Place::kAttention);
  const auto& ffn = layout.site(Place::kFfn);
  if (attention && ffn && *attention != *ffn) return nullptr;
  if (ffn) return &*ffn;
  return attention ? &*attention : nullptr;
}

}  // namespace

absl::StatusOr<AdapterConfig> ParseAdapterConfig(const json& file, const EncoderConfig& encoder) {
  JsonFields top(file);
  AdapterConfig parsed;
  parsed.name = ReadName(top);
  if (top.String("model_type", "bert") != "bert") {
    top.Refuse("model_type", "\"bert\", the encoder's");
  }
  if (top.Integer("hidden_size", {}, encoder.hidden_size) != encoder.hidden_size) {
    top.Refuse("hidden_size", absl::StrCat(encoder.hidden_size, ", the encoder's"));
  }
  const json* object = top.Find("config");
  if (object == nullptr || !object->is_object()) top.Refuse("config", "an object");
  if (!top.status().ok()) return top.status();

  JsonFields config(*object);
  CheckSwitches(config);
  parsed.layout = ReadLayout(config, top.Find("version") != nullptr, encoder.layers);
  parsed.widths = ReadWidths(config, encoder);
  if (!config.status().ok()) {
    return absl::InvalidArgumentError(absl::StrCat("config: ", config.status().message()));
  }
  return parsed;
}

std::string ArchitectureName(const AdapterLayout& layout) {
  const AdapterSite* site = CommonSite(layout);
  if (site == nullptr || !layout.site(Place::kFfn)) return "bottleneck";
  const bool both = layout.site(Place::kAttention).has_value();
  if (!both && site->input == AdapterInput::kNormalizedSum) return "pfeiffer";
  if (both && site->input == AdapterInput::kDense) return "houlsby";
  if (!both && site->input == AdapterInput::kResidual) return "parallel";
  return "bottleneck";
}

absl::StatusOr<json> MakeBottleneckConfig(const AdapterConfig& config, int hidden_size) {
  const AdapterLayout& layout = config.layout;
  const AdapterSite* site = CommonSite(layout);
  if (site == nullptr) {
    return absl::InvalidArgumentError(
        "the adapter has no site, or sites that differ: its file has one config for both");
  }
  json leave_out = json::array();
  for (int layer = 0; layer < layout.layers(); ++layer) {
    if (layout.left_out[static_cast<size_t>(layer)]) leave_out.push_back(layer);
  }
  const bool is_parallel = site->input == AdapterInput::kResidual;
  json made = {
      {"mh_adapter", layout.site(Place::kAttention).has_value()},
      {"output_adapter", layout.site(Place::kFfn).has_value()},
      {"reduction_factor", MakeReductionFactor(config, hidden_size)},
      {"non_linearity", ActivationName(site->activation)},
      {"original_ln_before", site->input == AdapterInput::kNormalizedSum},
      {"original_ln_after", true},
      {"is_parallel", is_parallel},
      {"scaling", site->scaling},
      {"residual_before_ln", true},
      {"init_weights", is_parallel ? "mam_adapter" : "bert"},
      {"leave_out", leave_out},
  };
  // The rest of the keys, at the library's defaults.
  made.update({
      {"adapter_residual_before_ln", false},
      {"cross_adapter", false},
      {"dropout", 0.0},
      {"factorized_phm_W", true},
      {"factorized_phm_rule", false},
      {"hypercomplex_nonlinearity", "glorot-uniform"},
      {"init_weights_seed", nullptr},
      {"inv_adapter", nullptr},
      {"inv_adapter_reduction_factor", nullptr},
      {"learn_phm", true},
      {"ln_after", false},
      {"ln_before", false},
      {"phm_bias", true},
      {"phm_c_init", "normal"},
      {"phm_dim", 4},
      {"phm_init_range", 0.0001},
      {"phm_layer", false},
      {"phm_rank", 1},
      {"shared_W_phm", false},
      {"shared_phm_rule", true},
      {"stochastic_depth", 0.0},
      {"use_gating", false},
  });
  return made;
}

}  // namespace fathom
