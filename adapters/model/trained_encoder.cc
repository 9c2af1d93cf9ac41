#include "adapters/model/trained_encoder.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/embedding.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/layer_norm.h>
#include <ATen/ops/linear.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "runtime/pass/ops/activation.h"

namespace fathom::training {
namespace {

constexpr std::array<const char*, kProductCount> kProductNames = {
    "attention.self.query_key_value", "attention.output.dense", "intermediate.dense",
    "output.dense"};
constexpr std::array<const char*, 3> kQueryKeyValueNames = {
    "attention.self.query", "attention.self.key", "attention.self.value"};

std::string LayerPrefix(int layer) { return absl::StrCat("encoder.layer.", layer, "."); }

// What looks up a row of each embedding table, [R].
struct Indices {
  at::Tensor words, positions, segments;
};

Indices EmbeddingIndices(absl::Span<const TokenizedText* const> texts) {
  int64_t rows = 0;
  for (const TokenizedText* text : texts) rows += static_cast<int64_t>(text->ids.size());
  Indices indices{at::empty({rows}, at::kLong), at::empty({rows}, at::kLong),
                  at::empty({rows}, at::kLong)};
  int64_t* word = indices.words.mutable_data_ptr<int64_t>();
  int64_t* position = indices.positions.mutable_data_ptr<int64_t>();
  int64_t* segment = indices.segments.mutable_data_ptr<int64_t>();
  for (const TokenizedText* text : texts) {
    for (size_t i = 0; i < text->ids.size(); ++i) {
      *word++ = text->ids[i];
      *position++ = static_cast<int64_t>(i);
      *segment++ = text->segment_ids[i];
    }
  }
  return indices;
}

}  // namespace

TrainedEncoder::TrainedEncoder(const Encoder& encoder) : config_(encoder.config()) {
  const Embeddings& embeddings = encoder.embeddings();
  embeddings_ = {.words = Train("embeddings.word_embeddings.weight", embeddings.words),
                 .positions = Train("embeddings.position_embeddings.weight", embeddings.positions),
                 .segments = Train("embeddings.token_type_embeddings.weight", embeddings.segments),
                 .norm = TrainNorm("embeddings.LayerNorm", embeddings.norm)};
  for (int index = 0; index < config_.layers; ++index) {
    const EncoderLayer& initial = encoder.layer(index);
    const std::array<const Linear*, kProductCount> linears = {
        &initial.query_key_value, &initial.attention_dense, &initial.ffn_in, &initial.ffn_out};
    Layer layer;
    for (size_t product = 0; product < kProductCount; ++product) {
      const std::string name = LayerPrefix(index) + kProductNames[product];
      layer.products[product] = {.weight = Train(name + ".weight", linears[product]->weight()),
                                 .bias = Train(name + ".bias", linears[product]->bias())};
    }
    layer.norms = {
        TrainNorm(LayerPrefix(index) + "attention.output.LayerNorm", initial.attention_norm),
        TrainNorm(LayerPrefix(index) + "output.LayerNorm", initial.ffn_norm)};
    layers_.push_back(std::move(layer));
  }
}

at::Tensor TrainedEncoder::Train(const std::string& name, const at::Tensor& initial) {
  return named_[name] = initial.clone().set_requires_grad(true);
}

LayerNormWeights TrainedEncoder::TrainNorm(const std::string& prefix,
                                           const LayerNormWeights& initial) {
  return {.gamma = Train(prefix + ".weight", initial.gamma),
          .beta = Train(prefix + ".bias", initial.beta)};
}

at::Tensor TrainedEncoder::Embed(absl::Span<const TokenizedText* const> texts) const {
  const Indices indices = EmbeddingIndices(texts);
  const at::Tensor sum = at::embedding(embeddings_.words, indices.words) +
                         at::embedding(embeddings_.positions, indices.positions) +
                         at::embedding(embeddings_.segments, indices.segments);
  return at::layer_norm(sum, {config_.hidden_size}, embeddings_.norm.gamma, embeddings_.norm.beta,
                        config_.layer_norm_eps);
}

at::Tensor TrainedEncoder::Apply(int layer, Product product, const at::Tensor& x) const {
  const Dense& dense = layers_[static_cast<size_t>(layer)].products[static_cast<size_t>(product)];
  const at::Tensor y = at::linear(x, dense.weight, dense.bias);
  return product == Product::kFfnIn ? ops::Activate(y, config_.activation) : y;
}

const LayerNormWeights& TrainedEncoder::norm(int layer, Place place) const {
  return layers_[static_cast<size_t>(layer)].norms[static_cast<size_t>(place)];
}

ClsWeights TrainedEncoder::cls_weights() const {
  const auto& [weight, bias] =
      layers_.back().products[static_cast<size_t>(Product::kQueryKeyValue)];
  const int64_t hidden = config_.hidden_size;
  const int64_t heads = config_.heads;
  const auto part = [&](const at::Tensor& all, int64_t index) {
    return all.narrow(0, index * hidden, hidden);
  };
  return {.query = part(weight, 0),
          .query_bias = part(bias, 0),
          .key = part(weight, 1).view({heads, hidden / heads, hidden}),
          .value = part(weight, 2).view({heads, hidden / heads, hidden}),
          .value_bias = part(bias, 2).view({heads, 1, hidden / heads})};
}

TensorMap TrainedEncoder::FileTensors() const {
  TensorMap tensors;
  const std::string fused = kProductNames[static_cast<size_t>(Product::kQueryKeyValue)];
  for (const auto& [name, tensor] : named_) {
    const at::Tensor value = tensor.detach();
    const size_t found = name.find(fused);
    if (found == std::string::npos) {
      tensors[name] = value.clone();
      continue;
    }
    const std::vector<at::Tensor> parts = value.split(config_.hidden_size, 0);
    for (size_t i = 0; i < parts.size(); ++i) {
      tensors[name.substr(0, found) + kQueryKeyValueNames[i] + name.substr(found + fused.size())] =
          parts[i].clone();
    }
  }
  return tensors;
}

}  // namespace fathom::training
