// EncoderConfig: the config.json of a BERT-family folder. Plain values, no Torch.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "runtime/task/activation.h"

namespace fathom {

struct EncoderConfig {
  int layers = 0;             // L, num_hidden_layers
  int hidden_size = 0;        // H
  int intermediate_size = 0;  // I
  int heads = 0;              // num_attention_heads, divides H
  int vocab_size = 0;
  int max_positions = 0;                      // max_position_embeddings: the longest text in tokens
  int segment_types = 0;                      // type_vocab_size
  Activation activation = Activation::kGelu;  // hidden_act
  double layer_norm_eps = 1e-12;
  double hidden_dropout = 0.1;     // training only
  double attention_dropout = 0.1;  // training only

  int head_size() const { return hidden_size / heads; }
};

// INVALID_ARGUMENT names the key and its value: not BERT (model_type), missing or non-positive
// sizes, heads that do not divide the width, relative positions, an unknown activation.
absl::StatusOr<EncoderConfig> ParseEncoderConfig(std::string_view json);

}  // namespace fathom
