#include "runtime/task/format/head_config.h"

#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "runtime/model/json_fields.h"

namespace fathom {
namespace {

using nlohmann::json;

constexpr int64_t kMaxHeadLayers = 16;
constexpr int64_t kMaxClasses = 1 << 20;

// Labels by class index from {"label": index}; without a map, the library's own names.
std::vector<std::string> ReadLabels(JsonFields& fields, int classes) {
  std::vector<std::string> labels(static_cast<size_t>(classes));
  const json* label2id = fields.Find("label2id");
  if (label2id == nullptr) {
    for (int i = 0; i < classes; ++i) labels[static_cast<size_t>(i)] = absl::StrCat("LABEL_", i);
    return labels;
  }
  const std::string expected =
      absl::StrCat("an object that gives each class from 0 to ", classes - 1, " one label");
  if (!label2id->is_object() || label2id->size() != labels.size()) {
    fields.Refuse("label2id", expected);
    return labels;
  }
  std::vector<bool> seen(labels.size(), false);
  for (const auto& [label, id] : label2id->items()) {
    const bool fits =
        id.is_number_unsigned() && id.get<uint64_t>() < labels.size() && !seen[id.get<size_t>()];
    if (!fits) {
      fields.Refuse("label2id", expected);
      return labels;
    }
    seen[id.get<size_t>()] = true;
    labels[id.get<size_t>()] = label;
  }
  return labels;
}

// Classes and labels of a head of kind head.kind.
void ReadClasses(JsonFields& fields, std::optional<int64_t> fallback, HeadConfig& head) {
  head.classes = static_cast<int>(fields.Integer("num_labels", {1, kMaxClasses}, fallback));
  if (head.kind == HeadKind::kClassification && head.classes == 1) {
    head.kind = HeadKind::kRegression;
  } else {
    head.labels = ReadLabels(fields, head.classes);
  }
}

constexpr char kClassificationType[] = "classification";
constexpr char kMultiLabelType[] = "multilabel_classification";
constexpr char kTaggingType[] = "tagging";

HeadKind ReadHeadType(JsonFields& fields) {
  const std::string type = fields.String("head_type");
  if (type == kMultiLabelType) return HeadKind::kMultiLabel;
  if (type == kTaggingType) return HeadKind::kTagging;
  if (type != kClassificationType) {
    fields.Refuse("head_type",
                  "\"classification\" (num_labels 1 for regression), "
                  "\"multilabel_classification\" or \"tagging\"");
  }
  return HeadKind::kClassification;
}

const char* HeadTypeName(HeadKind kind) {
  switch (kind) {
    case HeadKind::kMultiLabel:
      return kMultiLabelType;
    case HeadKind::kTagging:
      return kTaggingType;
    case HeadKind::kClassification:
    case HeadKind::kRegression:
      break;
  }
  return kClassificationType;
}

// null says that there is none; a file that does not say has the library's default.
std::optional<Activation> ReadActivation(JsonFields& fields, const json& config) {
  auto member = config.find("activation_function");
  if (member != config.end() && member->is_null()) return std::nullopt;
  const std::optional<Activation> activation =
      ParseActivation(absl::AsciiStrToLower(fields.String("activation_function", "tanh")));
  if (!activation) fields.Refuse("activation_function", "an activation that Fathom knows");
  return activation;
}

absl::StatusOr<HeadConfig> ParseFlexible(const json& config, const std::string& name) {
  JsonFields fields(config);
  HeadConfig head{.kind = ReadHeadType(fields)};
  ReadClasses(fields, std::nullopt, head);
  const std::optional<Activation> activation = ReadActivation(fields, config);
  head.activation = activation.value_or(Activation::kIdentity);
  const bool tags = head.kind == HeadKind::kTagging;
  head.use_pooler = fields.Boolean("use_pooler", false);
  if (tags && head.use_pooler) fields.Refuse("use_pooler", "false for a head that tags all tokens");
  head.has_bias = fields.Boolean("bias", true);
  const int64_t usual_layers = tags ? 1 : 2;
  const auto layers = static_cast<int>(fields.Integer("layers", {1, kMaxHeadLayers}, usual_layers));
  if (!fields.status().ok()) {
    return absl::InvalidArgumentError(absl::StrCat("config: ", fields.status().message()));
  }
  head.name_prefix = absl::StrCat("heads.", name, ".");
  head.layer_names = FlexibleLayerNames(name, layers, activation.has_value());
  return head;
}

absl::StatusOr<HeadConfig> ParseStatic(JsonFields& top) {
  if (top.String("model_class") != "BertForSequenceClassification") {
    top.Refuse("model_class", "\"BertForSequenceClassification\" for a head without a config");
  }
  const json* label2id = top.Find("label2id");
  const int64_t label_count = label2id != nullptr && label2id->is_object() && !label2id->empty()
                                  ? static_cast<int64_t>(label2id->size())
                                  : 2;  // what transformers assumes
  HeadConfig head;
  ReadClasses(top, label_count, head);
  if (!top.status().ok()) return top.status();
  head.activation = Activation::kIdentity;
  head.use_pooler = true;
  head.layer_names = {"classifier"};
  return head;
}

}  // namespace

absl::StatusOr<HeadConfig> ParseHeadConfig(const json& file, const EncoderConfig& encoder) {
  JsonFields top(file);
  if (top.Integer("hidden_size", {}, encoder.hidden_size) != encoder.hidden_size) {
    top.Refuse("hidden_size", absl::StrCat(encoder.hidden_size, ", the encoder's"));
  }
  const json* config = top.Find("config");
  if (config == nullptr) return ParseStatic(top);
  if (!config->is_object()) top.Refuse("config", "an object or null");
  const std::string name = top.String("name");
  if (!top.status().ok()) return top.status();
  return ParseFlexible(*config, name);
}

std::vector<std::string> FlexibleLayerNames(const std::string& head_name, int layers,
                                            bool has_activation) {
  const int modules_per_layer = has_activation ? 3 : 2;
  std::vector<std::string> names;
  for (int layer = 0; layer < layers; ++layer) {
    names.push_back(absl::StrCat("heads.", head_name, ".", layer * modules_per_layer + 1));
  }
  return names;
}

json MakeHeadConfig(const HeadConfig& config) {
  json label2id = json::object();
  for (size_t i = 0; i < config.labels.size(); ++i) label2id[config.labels[i]] = i;
  if (config.kind == HeadKind::kRegression) label2id["LABEL_0"] = 0;
  json activation;  // null
  if (config.activation != Activation::kIdentity) activation = ActivationName(config.activation);
  return {
      {"head_type", HeadTypeName(config.kind)},
      {"num_labels", config.classes},
      {"layers", config.layer_names.size()},
      {"activation_function", activation},
      {"label2id", label2id},
      {"use_pooler", config.use_pooler},
      {"bias", config.has_bias},
      {"dropout_prob", nullptr},
  };
}

}  // namespace fathom
