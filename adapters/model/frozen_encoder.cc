#include "adapters/model/frozen_encoder.h"

#include <ATen/ops/empty.h>
#include <c10/util/Exception.h>

#include <utility>

#include "runtime/pass/ops/op_table.h"

namespace fathom::training {
namespace {

constexpr std::array<Product, kProductCount> kProducts = {
    Product::kQueryKeyValue, Product::kAttentionDense, Product::kFfnIn, Product::kFfnOut};

ClsWeights SplitClsWeights(const Encoder& encoder) {
  const EncoderConfig& config = encoder.config();
  const Linear& all = encoder.layer(config.layers - 1).query_key_value;
  const ClsProjections& projections = encoder.cls_projections();
  return {.query = all.weight().narrow(0, 0, config.hidden_size),
          .query_bias = all.bias().narrow(0, 0, config.hidden_size),
          .key = projections.key,
          .value = projections.value,
          .value_bias = projections.value_bias};
}

}  // namespace

FrozenEncoder::FrozenEncoder(std::shared_ptr<const Encoder> encoder, Fork lowest)
    : encoder_(std::move(encoder)),
      layers_(static_cast<size_t>(encoder_->config().layers)),
      cls_weights_(SplitClsWeights(*encoder_)) {
  for (int layer = 0; layer < config().layers; ++layer) {
    for (const Product product : kProducts) {
      if (!NeedsGradient(layer, product, lowest)) continue;
      const bool reads_bf16 =
          product == Product::kFfnOut && RunsInBf16(encoder_->layer(layer).ffn_in);
      layers_[static_cast<size_t>(layer)][static_cast<size_t>(product)].emplace(
          linear(layer, product), reads_bf16 ? at::kBFloat16 : at::kFloat);
    }
  }
}

bool FrozenEncoder::NeedsGradient(int layer, Product product, Fork lowest) const {
  // The last layer's queries, keys and values are those of cls_weights.
  if (product == Product::kQueryKeyValue && layer + 1 == config().layers) return false;
  const bool attention = product == Product::kQueryKeyValue || product == Product::kAttentionDense;
  return Fork{layer, attention ? Place::kAttention : Place::kFfn} > lowest;
}

const Linear& FrozenEncoder::linear(int layer, Product product) const {
  const EncoderLayer& weights = encoder_->layer(layer);
  switch (product) {
    case Product::kQueryKeyValue:
      return weights.query_key_value;
    case Product::kAttentionDense:
      return weights.attention_dense;
    case Product::kFfnIn:
      return weights.ffn_in;
    case Product::kFfnOut:
      return weights.ffn_out;
  }
  TORCH_CHECK(false, "an unknown product of a layer");
}

at::Tensor FrozenEncoder::Embed(absl::Span<const TokenizedText* const> texts) const {
  int64_t rows = 0;
  for (const TokenizedText* text : texts) rows += static_cast<int64_t>(text->ids.size());
  at::Tensor out = at::empty({rows, config().hidden_size});
  ops::CpuOps().embed(*encoder_, texts, out);
  return out;
}

at::Tensor FrozenEncoder::Apply(int layer, Product product, const at::Tensor& x) const {
  const auto& frozen = layers_[static_cast<size_t>(layer)][static_cast<size_t>(product)];
  if (x.requires_grad()) {
    TORCH_CHECK(frozen.has_value(), "no gradient was wanted of layer ", layer);
    return (*frozen)(x);
  }
  return linear(layer, product)(x.contiguous());
}

const LayerNormWeights& FrozenEncoder::norm(int layer, Place place) const {
  const EncoderLayer& weights = encoder_->layer(layer);
  return place == Place::kAttention ? weights.attention_norm : weights.ffn_norm;
}

int64_t FrozenEncoder::packed_bytes() const {
  int64_t bytes = 0;
  for (const auto& layer : layers_) {
    for (const std::optional<FrozenLinear>& product : layer) {
      if (product) bytes += product->packed_bytes();
    }
  }
  return bytes;
}

}  // namespace fathom::training
