#include "runtime/model/encoder_config.h"

#include "runtime/model/json_fields.h"

namespace fathom {
namespace {

// Far above every published encoder, and low enough that no product of two sizes overflows.
constexpr int64_t kMaxLayers = 1024;
constexpr int64_t kMaxWidth = 1 << 16;
constexpr int64_t kMaxVocabulary = 1 << 24;
constexpr int64_t kMaxPositions = 1 << 20;
constexpr int64_t kMaxSegmentTypes = 1024;

// What Fathom computes is BERT with absolute positions; a config that says otherwise is refused
// rather than run wrongly.
void CheckArchitecture(JsonFields& fields) {
  if (fields.String("model_type") != "bert") fields.Refuse("model_type", "\"bert\"");
  if (fields.String("position_embedding_type", "absolute") != "absolute") {
    fields.Refuse("position_embedding_type", "\"absolute\"");
  }
  if (fields.Boolean("is_decoder", false)) fields.Refuse("is_decoder", "false");
  if (fields.Boolean("add_cross_attention", false)) fields.Refuse("add_cross_attention", "false");
}

double ReadDropout(JsonFields& fields, const char* key, double fallback) {
  const double dropout = fields.Number(key, fallback);
  if (!(dropout >= 0 && dropout < 1)) fields.Refuse(key, "a number from 0 to below 1");
  return dropout;
}

}  // namespace

absl::StatusOr<EncoderConfig> ParseEncoderConfig(std::string_view json) {
  absl::StatusOr<nlohmann::json> object = ParseJsonObject(json);
  if (!object.ok()) return object.status();
  JsonFields fields(*object);
  CheckArchitecture(fields);

  EncoderConfig config;
  auto size = [&fields](const char* key, int64_t limit) {
    return static_cast<int>(fields.Integer(key, {1, limit}));
  };
  config.layers = size("num_hidden_layers", kMaxLayers);
  config.hidden_size = size("hidden_size", kMaxWidth);
  config.intermediate_size = size("intermediate_size", kMaxWidth * 4);
  config.heads = size("num_attention_heads", kMaxWidth);
  config.vocab_size = size("vocab_size", kMaxVocabulary);
  config.max_positions = size("max_position_embeddings", kMaxPositions);
  config.segment_types = size("type_vocab_size", kMaxSegmentTypes);
  if (config.hidden_size % config.heads != 0) {
    fields.Refuse("num_attention_heads", "a divisor of hidden_size");
  }

  if (auto activation = ParseActivation(fields.String("hidden_act", "gelu"))) {
    config.activation = *activation;
  } else {
    fields.Refuse("hidden_act", "an activation that Fathom knows (gelu, gelu_new, relu, silu, …)");
  }
  config.layer_norm_eps = fields.Number("layer_norm_eps", config.layer_norm_eps);
  if (!(config.layer_norm_eps > 0 && config.layer_norm_eps < 1)) {
    fields.Refuse("layer_norm_eps", "a number between 0 and 1");
  }
  config.hidden_dropout = ReadDropout(fields, "hidden_dropout_prob", config.hidden_dropout);
  config.attention_dropout =
      ReadDropout(fields, "attention_probs_dropout_prob", config.attention_dropout);

  if (!fields.status().ok()) return fields.status();
  return config;
}

}  // namespace fathom
