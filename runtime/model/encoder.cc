#include "runtime/model/encoder.h"

#include <ATen/ops/cat.h>
#include <c10/util/Exception.h>

#include <map>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "runtime/file/mapped_file.h"
#include "runtime/model/gemm.h"
#include "runtime/model/sha256.h"

namespace fathom {
namespace {

// Finds an encoder's tensors by their names without prefix, checks their shapes, makes them fp32
// and feeds the fingerprint. The first error sticks; tensors taken after it are undefined.
class TensorSource {
 public:
  TensorSource(const TensorMap& tensors, const EncoderConfig& config) : tensors_(tensors) {
    const std::string settings =
        absl::StrCat(config.layers, " ", config.heads, " ",
                     int{static_cast<uint8_t>(config.activation)}, " ", config.layer_norm_eps);
    hash_.Update(settings.data(), settings.size());
  }

  at::Tensor Take(const std::string& name, at::IntArrayRef shape) {
    if (!status_.ok()) return {};
    const at::Tensor* found = Find(name);
    if (found == nullptr) {
      status_ = absl::InvalidArgumentError(absl::StrCat(
          "the encoder has no tensor ", name, " (looked for it with and without \"bert.\")"));
      return {};
    }
    if (found->sizes() != shape) {
      status_ = absl::InvalidArgumentError(
          absl::StrCat("tensor ", name, " of the encoder has shape ", Text(found->sizes()),
                       ", its config wants ", Text(shape)));
      return {};
    }
    const at::Tensor value = found->to(at::kFloat).contiguous();
    hash_.Update(name.data(), name.size());
    hash_.Update(value.const_data_ptr(), value.nbytes());
    return value;
  }

  // A copy: what is read for as long as the encoder lives must not hang on the file.
  at::Tensor TakeCopy(const std::string& name, at::IntArrayRef shape) {
    const at::Tensor value = Take(name, shape);
    return value.defined() ? value.clone() : value;
  }

  LayerNormWeights TakeNorm(const std::string& prefix, int64_t width) {
    LayerNormWeights norm;
    norm.gamma = TakeCopy(prefix + ".weight", {width});
    norm.beta = TakeCopy(prefix + ".bias", {width});
    return norm;
  }

  bool Has(const std::string& name) const { return Find(name) != nullptr; }
  const absl::Status& status() const { return status_; }
  std::string Fingerprint() { return hash_.Hex(16); }

 private:
  const at::Tensor* Find(const std::string& name) const {
    // Old checkpoints call the two weights of a LayerNorm gamma and beta.
    const std::string old_name = absl::StrReplaceAll(
        name, {{"LayerNorm.weight", "LayerNorm.gamma"}, {"LayerNorm.bias", "LayerNorm.beta"}});
    for (const std::string& candidate : {"bert." + name, name, "bert." + old_name, old_name}) {
      if (auto found = tensors_.find(candidate); found != tensors_.end()) return &found->second;
    }
    return nullptr;
  }

  static std::string Text(at::IntArrayRef shape) {
    return absl::StrCat("[", absl::StrJoin(shape.begin(), shape.end(), ", "), "]");
  }

  const TensorMap& tensors_;
  absl::Status status_;
  Sha256 hash_;
};

struct PlainLinear {
  at::Tensor weight;  // [out, in]
  at::Tensor bias;    // [out]
};

PlainLinear TakeLinear(TensorSource& source, const std::string& prefix, int64_t out, int64_t in) {
  PlainLinear linear;
  linear.weight = source.Take(prefix + ".weight", {out, in});
  linear.bias = source.TakeCopy(prefix + ".bias", {out});
  return linear;
}

// Makes the linear layers of an encoder; those of one shape share a choice.
class LinearMaker {
 public:
  LinearMaker(const GemmTable& gemms, PlainWeights plain_weights)
      : precision_(gemms.precision), plain_weights_(plain_weights) {
    for (const auto& [shape, choice] : gemms.choices) {
      choices_[shape] = std::make_shared<const GemmChoice>(choice);
    }
  }

  Linear Make(PlainLinear plain, Activation activation, at::ScalarType result = at::kFloat) {
    const GemmShape shape{plain.weight.size(0), plain.weight.size(1), activation};
    std::shared_ptr<const GemmChoice>& choice = choices_[shape];
    if (choice == nullptr) {
      choice = std::make_shared<const GemmChoice>(StaticGemmChoice(activation, precision_));
    }
    return Linear(std::move(plain.weight), std::move(plain.bias), activation,
                  {.gemm = choice, .result = result, .plain_weights = plain_weights_});
  }

  // What a GEMM gives that another one reads, and nothing else does.
  at::ScalarType between_gemms() const {
    return precision_ == Precision::kBf16 ? at::kBFloat16 : at::kFloat;
  }

 private:
  const Precision precision_;
  const PlainWeights plain_weights_;
  std::map<GemmShape, std::shared_ptr<const GemmChoice>> choices_;
};

struct TakenLayer {
  EncoderLayer layer;
  std::optional<ClsProjections> cls_projections;  // of the last layer
};

ClsProjections MakeClsProjections(const PlainLinear& query, const at::Tensor& key,
                                  const PlainLinear& value, const EncoderConfig& config,
                                  LinearMaker& linears) {
  const int64_t heads = config.heads;
  const int64_t hidden = config.hidden_size;
  const auto by_head = [&](const at::Tensor& weight) {
    return weight.clone().view({heads, hidden / heads, hidden});
  };
  return {.query = linears.Make(query, Activation::kIdentity),
          .key = by_head(key),
          .value = by_head(value.weight),
          .value_bias = value.bias.view({heads, 1, hidden / heads})};
}

absl::StatusOr<TakenLayer> TakeLayer(TensorSource& source, const EncoderConfig& config, int index,
                                     LinearMaker& linears) {
  const int64_t hidden = config.hidden_size;
  const int64_t intermediate = config.intermediate_size;
  const std::string prefix = absl::StrCat("encoder.layer.", index, ".");
  const PlainLinear query = TakeLinear(source, prefix + "attention.self.query", hidden, hidden);
  const PlainLinear key = TakeLinear(source, prefix + "attention.self.key", hidden, hidden);
  const PlainLinear value = TakeLinear(source, prefix + "attention.self.value", hidden, hidden);
  PlainLinear attention = TakeLinear(source, prefix + "attention.output.dense", hidden, hidden);
  LayerNormWeights attention_norm = source.TakeNorm(prefix + "attention.output.LayerNorm", hidden);
  PlainLinear ffn_in = TakeLinear(source, prefix + "intermediate.dense", intermediate, hidden);
  PlainLinear ffn_out = TakeLinear(source, prefix + "output.dense", hidden, intermediate);
  LayerNormWeights ffn_norm = source.TakeNorm(prefix + "output.LayerNorm", hidden);
  if (!source.status().ok()) return source.status();

  PlainLinear query_key_value;
  query_key_value.weight = at::cat({query.weight, key.weight, value.weight});
  query_key_value.bias = at::cat({query.bias, key.bias, value.bias});
  const auto plain = Activation::kIdentity;
  TakenLayer taken{
      .layer = {
          .query_key_value = linears.Make(std::move(query_key_value), plain),
          .attention_dense = linears.Make(std::move(attention), plain),
          .attention_norm = std::move(attention_norm),
          .ffn_in = linears.Make(std::move(ffn_in), config.activation, linears.between_gemms()),
          .ffn_out = linears.Make(std::move(ffn_out), plain),
          .ffn_norm = std::move(ffn_norm),
      }};
  if (index == config.layers - 1) {
    taken.cls_projections = MakeClsProjections(query, key.weight, value, config, linears);
  }
  return taken;
}

Embeddings TakeEmbeddings(TensorSource& source, const EncoderConfig& config) {
  const int64_t hidden = config.hidden_size;
  const std::string prefix = "embeddings.";
  Embeddings embeddings;
  embeddings.words =
      source.TakeCopy(prefix + "word_embeddings.weight", {config.vocab_size, hidden});
  embeddings.positions =
      source.TakeCopy(prefix + "position_embeddings.weight", {config.max_positions, hidden});
  embeddings.segments =
      source.TakeCopy(prefix + "token_type_embeddings.weight", {config.segment_types, hidden});
  embeddings.norm = source.TakeNorm(prefix + "LayerNorm", hidden);
  return embeddings;
}

}  // namespace

absl::StatusOr<std::shared_ptr<const Encoder>> Encoder::FromTensors(const EncoderConfig& config,
                                                                    const TensorMap& tensors,
                                                                    PlainWeights plain_weights,
                                                                    const GemmTable& gemms) {
  LinearMaker linears(gemms, plain_weights);
  TensorSource source(tensors, config);
  std::shared_ptr<Encoder> encoder(new Encoder());
  encoder->config_ = config;
  encoder->embeddings_ = TakeEmbeddings(source, config);
  for (int index = 0; index < config.layers; ++index) {
    absl::StatusOr<TakenLayer> taken = TakeLayer(source, config, index, linears);
    if (!taken.ok()) return taken.status();
    encoder->layers_.push_back(std::move(taken->layer));
    encoder->cls_projections_ = std::move(taken->cls_projections);
  }
  encoder->fingerprint_ = source.Fingerprint();
  if (source.Has("pooler.dense.weight")) {
    PlainLinear pooler = TakeLinear(source, "pooler.dense", config.hidden_size, config.hidden_size);
    if (!source.status().ok()) return source.status();
    encoder->pooler_.emplace(std::move(pooler.weight), std::move(pooler.bias), Activation::kTanh,
                             plain_weights);
  }
  return encoder;
}

absl::StatusOr<EncoderConfig> Encoder::LoadConfig(const std::string& folder) {
  absl::StatusOr<std::string> json = ReadTextFile(folder + "/config.json");
  if (!json.ok()) return json.status();
  absl::StatusOr<EncoderConfig> config = ParseEncoderConfig(*json);
  if (!config.ok()) return InFile(folder + "/config.json", config.status());
  return config;
}

absl::StatusOr<std::shared_ptr<const Encoder>> Encoder::Load(const std::string& folder,
                                                             PlainWeights plain_weights,
                                                             const GemmTable& gemms) {
  absl::StatusOr<EncoderConfig> config = LoadConfig(folder);
  if (!config.ok()) return config.status();
  absl::StatusOr<TensorMap> tensors = ReadModelFolder(folder);
  if (!tensors.ok()) return tensors.status();
  absl::StatusOr<std::shared_ptr<const Encoder>> encoder =
      FromTensors(*config, *tensors, plain_weights, gemms);
  if (!encoder.ok()) return InFile(folder, encoder.status());
  return encoder;
}

}  // namespace fathom
