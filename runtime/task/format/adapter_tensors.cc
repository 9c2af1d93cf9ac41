#include "runtime/task/format/adapter_tensors.h"

#include <array>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "runtime/model/json_fields.h"
#include "runtime/task/format/tensor_taker.h"

namespace fathom {
namespace {

constexpr char kModelPrefix[] = "bert.";

// "encoder.layer.3.output.adapters.sst."
std::string ModulePrefix(int layer, Place place, const std::string& name) {
  return absl::StrCat("encoder.layer.", layer, place == Place::kAttention ? ".attention" : "",
                      ".output.adapters.", name, ".");
}

// Today's name without the model's prefix.
std::string CanonicalName(const std::string& name) {
  const std::string canonical(absl::StripPrefix(name, kModelPrefix));
  return absl::StrReplaceAll(canonical, {{".attention_text_task_adapters.", ".adapters."},
                                         {".attention_text_lang_adapters.", ".adapters."},
                                         {".layer_text_task_adapters.", ".adapters."},
                                         {".layer_text_lang_adapters.", ".adapters."},
                                         {"invertible_lang_adapters.", "invertible_adapters."}});
}

// What deserves a better word than "unexpected".
absl::Status CheckPlace(const std::string& name, const std::string& canonical, int layers) {
  if (absl::StartsWith(canonical, "invertible_adapters.")) {
    return absl::InvalidArgumentError(
        absl::StrCat("tensor ", Quote(name), ": invertible adapters are not supported"));
  }
  const std::vector<std::string> parts = absl::StrSplit(canonical, absl::MaxSplits('.', 3));
  int layer = 0;
  if (parts.size() == 4 && parts[0] == "encoder" && parts[1] == "layer" &&
      absl::SimpleAtoi(parts[2], &layer) && layer >= layers) {
    return absl::InvalidArgumentError(absl::StrCat("tensor ", Quote(name),
                                                   " is of an encoder with more layers than this "
                                                   "one's ",
                                                   layers));
  }
  return absl::OkStatus();
}

absl::StatusOr<TensorMap> Canonicalize(const TensorMap& tensors, int layers) {
  TensorMap canonical;
  for (const auto& [name, tensor] : tensors) {
    const std::string today = CanonicalName(name);
    if (absl::Status status = CheckPlace(name, today, layers); !status.ok()) return status;
    if (!canonical.emplace(today, tensor).second) {
      return absl::InvalidArgumentError(
          absl::StrCat("tensor ", Quote(name), " is there twice, under an older name too"));
    }
  }
  return canonical;
}

AdapterModule TakeModule(TensorTaker& taker, const std::string& prefix, int width, int hidden) {
  return {
      .down_weight = taker.Take(prefix + "adapter_down.0.weight", {width, hidden}),
      .down_bias = taker.Take(prefix + "adapter_down.0.bias", {width}),
      .up_weight = taker.Take(prefix + "adapter_up.weight", {hidden, width}),
      .up_bias = taker.Take(prefix + "adapter_up.bias", {hidden}),
  };
}

// The tensors that a head's file may hold for it.
TensorMap OwnTensors(const HeadConfig& config, const TensorMap& tensors) {
  TensorMap own;
  for (const auto& [name, tensor] : tensors) {
    const bool of_another_head = absl::StartsWith(name, "heads.") && !config.name_prefix.empty() &&
                                 !absl::StartsWith(name, config.name_prefix);
    if (!of_another_head) own.emplace(name, tensor);
  }
  return own;
}

}  // namespace

absl::StatusOr<Adapter> ReadModules(const AdapterConfig& config, const EncoderConfig& encoder,
                                    const TensorMap& tensors) {
  absl::StatusOr<TensorMap> canonical = Canonicalize(tensors, encoder.layers);
  if (!canonical.ok()) return canonical.status();
  TensorTaker taker(*std::move(canonical));
  Adapter adapter{.layout = config.layout, .modules = {}};
  adapter.modules.resize(static_cast<size_t>(encoder.layers));
  for (int layer = 0; layer < encoder.layers; ++layer) {
    const auto index = static_cast<size_t>(layer);
    for (Place place : {Place::kAttention, Place::kFfn}) {
      if (!config.layout.HasModule(layer, place)) continue;
      adapter.modules[index][static_cast<size_t>(place)] =
          TakeModule(taker, ModulePrefix(layer, place, config.name), config.widths[index],
                     encoder.hidden_size);
    }
  }
  taker.RefuseRest();
  if (!taker.status().ok()) return taker.status();
  return adapter;
}

absl::StatusOr<Head> ReadHead(const HeadConfig& config, const EncoderConfig& encoder,
                              const TensorMap& tensors) {
  TensorTaker taker(OwnTensors(config, tensors));
  Head head{.kind = config.kind,
            .layers = {},
            .activation = config.activation,
            .use_pooler = config.use_pooler,
            .labels = config.labels};
  for (const std::string& name : config.layer_names) {
    const bool is_last = head.layers.size() + 1 == config.layer_names.size();
    const int rows = is_last ? config.classes : encoder.hidden_size;
    HeadLayer layer;
    layer.weight = taker.Take(name + ".weight", {rows, encoder.hidden_size});
    if (config.has_bias || !is_last) layer.bias = taker.Take(name + ".bias", {rows});
    head.layers.push_back(std::move(layer));
  }
  taker.RefuseRest();
  if (!taker.status().ok()) return taker.status();
  return head;
}

TensorMap ModuleTensors(const Adapter& adapter, const std::string& name) {
  TensorMap tensors;
  for (int layer = 0; layer < adapter.layout.layers(); ++layer) {
    for (Place place : {Place::kAttention, Place::kFfn}) {
      if (!adapter.layout.HasModule(layer, place)) continue;
      const AdapterModule& module = adapter.module(layer, place);
      const std::string prefix = kModelPrefix + ModulePrefix(layer, place, name);
      tensors[prefix + "adapter_down.0.weight"] = module.down_weight;
      tensors[prefix + "adapter_down.0.bias"] = module.down_bias;
      tensors[prefix + "adapter_up.weight"] = module.up_weight;
      tensors[prefix + "adapter_up.bias"] = module.up_bias;
    }
  }
  return tensors;
}

TensorMap HeadTensors(const Head& head, const HeadConfig& config) {
  TensorMap tensors;
  for (size_t i = 0; i < head.layers.size(); ++i) {
    tensors[config.layer_names[i] + ".weight"] = head.layers[i].weight;
    if (head.layers[i].bias.defined()) {
      tensors[config.layer_names[i] + ".bias"] = head.layers[i].bias;
    }
  }
  return tensors;
}

}  // namespace fathom
