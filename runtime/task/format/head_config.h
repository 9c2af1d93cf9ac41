// The prediction head that a head_config.json describes. Plain values, no Torch.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "runtime/engine.h"
#include "runtime/model/encoder_config.h"
#include "runtime/task/activation.h"

namespace fathom {

struct HeadConfig {
  HeadKind kind = HeadKind::kClassification;
  int classes = 2;  // C; 1 for regression, and a classification of 1 is one
  Activation activation = Activation::kTanh;
  bool use_pooler = false;
  bool has_bias = true;                  // of the last layer; the hidden ones always have one
  std::vector<std::string> labels;       // [C] by class index; empty for regression
  std::vector<std::string> layer_names;  // of each linear layer's tensors: "<name>.weight", ".bias"
  std::string name_prefix;  // tensors of this head begin so; empty: all tensors of the file do
};

// Flexible heads ("heads.<name>.<index>") of the types classification, multilabel_classification
// and tagging, and the static one of BertForSequenceClassification. INVALID_ARGUMENT names the key
// and its value.
absl::StatusOr<HeadConfig> ParseHeadConfig(const nlohmann::json& file,
                                           const EncoderConfig& encoder);

// Names of the linear layers of a flexible head: dropout, linear and activation are counted.
std::vector<std::string> FlexibleLayerNames(const std::string& head_name, int layers,
                                            bool has_activation);

// The "config" object of a flexible head.
nlohmann::json MakeHeadConfig(const HeadConfig& config);

}  // namespace fathom
