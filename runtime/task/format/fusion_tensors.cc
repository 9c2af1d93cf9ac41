#include "runtime/task/format/fusion_tensors.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "runtime/task/format/tensor_taker.h"

namespace fathom {
namespace {

constexpr char kModelPrefix[] = "bert.";

// "encoder.layer.3.output.adapter_fusion_layer.a,b."
std::string LayerPrefix(int layer, Place place, const std::string& name) {
  return absl::StrCat("encoder.layer.", layer, place == Place::kAttention ? ".attention" : "",
                      ".output.adapter_fusion_layer.", name, ".");
}

TensorMap OwnTensors(const TensorMap& tensors, const std::string& name) {
  const std::string segment = absl::StrCat(".adapter_fusion_layer.", name, ".");
  TensorMap own;
  for (const auto& [key, tensor] : tensors) {
    const bool of_another =
        absl::StrContains(key, ".adapter_fusion_layer.") && !absl::StrContains(key, segment);
    if (!of_another) own.emplace(std::string(absl::StripPrefix(key, kModelPrefix)), tensor);
  }
  return own;
}

FusionLayer TakeLayer(TensorTaker& taker, const std::string& prefix, int hidden, bool has_value) {
  FusionLayer layer{.query_weight = taker.Take(prefix + "query.weight", {hidden, hidden}),
                    .query_bias = taker.Take(prefix + "query.bias", {hidden}),
                    .key_weight = taker.Take(prefix + "key.weight", {hidden, hidden}),
                    .key_bias = taker.Take(prefix + "key.bias", {hidden})};
  if (has_value) layer.value_weight = taker.Take(prefix + "value.weight", {hidden, hidden});
  return layer;
}

}  // namespace

absl::Status ReadFusionLayers(const FusionConfig& config, int hidden_size, const TensorMap& tensors,
                              Fusion& fusion) {
  const AdapterLayout layout = FusedLayout(fusion);
  TensorMap own = OwnTensors(tensors, config.name);
  for (int layer = 0; layer < layout.layers(); ++layer) {
    for (const Place place : {Place::kAttention, Place::kFfn}) {
      if (layout.HasModule(layer, place)) continue;
      const std::string prefix = LayerPrefix(layer, place, config.name);
      std::erase_if(own, [&](const auto& tensor) { return tensor.first.starts_with(prefix); });
    }
  }
  TensorTaker taker(std::move(own));
  fusion.layers.assign(static_cast<size_t>(layout.layers()), {});
  for (int layer = 0; layer < layout.layers(); ++layer) {
    for (const Place place : {Place::kAttention, Place::kFfn}) {
      if (!layout.HasModule(layer, place)) continue;
      fusion.layers[static_cast<size_t>(layer)][static_cast<size_t>(place)] =
          TakeLayer(taker, LayerPrefix(layer, place, config.name), hidden_size, config.has_value);
    }
  }
  taker.RefuseRest();
  return taker.status();
}

TensorMap FusionTensors(const Fusion& fusion, const std::string& name) {
  TensorMap tensors;
  for (size_t layer = 0; layer < fusion.layers.size(); ++layer) {
    for (const Place place : {Place::kAttention, Place::kFfn}) {
      const auto& own = fusion.layers[layer][static_cast<size_t>(place)];
      if (!own) continue;
      const std::string prefix = kModelPrefix + LayerPrefix(static_cast<int>(layer), place, name);
      tensors[prefix + "query.weight"] = own->query_weight;
      tensors[prefix + "query.bias"] = own->query_bias;
      tensors[prefix + "key.weight"] = own->key_weight;
      tensors[prefix + "key.bias"] = own->key_bias;
      if (own->value_weight.defined()) tensors[prefix + "value.weight"] = own->value_weight;
    }
  }
  return tensors;
}

}  // namespace fathom
