#include "runtime/task/format/fusion_config.h"

#include <algorithm>

#include "absl/strings/str_join.h"
#include "runtime/model/json_fields.h"
#include "runtime/task/format/file_names.h"

namespace fathom {
namespace {

using nlohmann::json;

// A name is a folder too, which must lie inside the fusion's.
bool IsFolderName(const std::string& name) {
  return !name.empty() && name.front() != '/' && name.find('.') == std::string::npos;
}

// The name in a node {"type": "single", "children": [name]}; nothing for any other.
std::optional<std::string> SingleName(const json& node) {
  if (!node.is_object() || node.value("type", json()) != "single") return std::nullopt;
  const json children = node.value("children", json());
  if (!children.is_array() || children.size() != 1 || !children[0].is_string()) return std::nullopt;
  return children[0].get<std::string>();
}

std::vector<std::string> ReadMemberNames(JsonFields& setup) {
  std::vector<std::string> names;
  const json* children = setup.Find("children");
  if (children == nullptr || !children->is_array() || children->empty()) {
    setup.Refuse("children", "a list of adapters");
    return names;
  }
  for (const json& child : *children) {
    const std::optional<std::string> name = SingleName(child);
    if (!name || !IsFolderName(*name) || name->find(',') != std::string::npos) {
      setup.Refuse("children",
                   "single adapters, named without dots and commas: Fathom fuses no "
                   "other compositions");
      return names;
    }
    if (std::find(names.begin(), names.end(), *name) != names.end()) {
      setup.Refuse("children", "each adapter once");
    }
    names.push_back(*name);
  }
  return names;
}

std::string ReadName(JsonFields& setup, const std::vector<std::string>& member_names) {
  const json* options = setup.Find("kwargs");
  if (options == nullptr) return absl::StrJoin(member_names, ",");
  if (!options->is_object()) {
    setup.Refuse("kwargs", "an object");
    return "";
  }
  return JsonFields(*options).String("name", absl::StrJoin(member_names, ","));
}

std::optional<std::string> ReadHeadFolder(JsonFields& top) {
  const json* head = top.Find("head_setup");
  if (head == nullptr || *head == false) return std::nullopt;
  if (*head == true) return "";
  if (head->is_array() && head->size() == 1) head = &(*head)[0];
  const std::optional<std::string> name =
      head->is_string() ? std::optional(head->get<std::string>()) : SingleName(*head);
  if (!name || !IsFolderName(*name)) top.Refuse("head_setup", "one head, true or null");
  return name;
}

}  // namespace

absl::StatusOr<FusionSetup> ParseFusionSetup(const json& file) {
  JsonFields top(file);
  FusionSetup parsed;
  const json* node = top.Find("adapter_setup");
  if (node == nullptr || !node->is_object()) top.Refuse("adapter_setup", "an object");
  parsed.head_folder = ReadHeadFolder(top);
  if (!top.status().ok()) return top.status();
  JsonFields setup(*node);
  if (setup.String("type") != "Fuse") {
    setup.Refuse("type", "\"Fuse\": Fathom serves no other composition");
  }
  parsed.member_names = ReadMemberNames(setup);
  parsed.name = ReadName(setup, parsed.member_names);
  if (!IsFolderName(parsed.name)) setup.Refuse("kwargs", "a \"name\" without dots");
  if (!setup.status().ok()) return setup.status();
  return parsed;
}

absl::StatusOr<FusionConfig> ParseFusionConfig(const json& file, const EncoderConfig& encoder) {
  JsonFields top(file);
  FusionConfig parsed;
  parsed.name = top.String("name");
  if (top.String("model_type", "bert") != "bert") {
    top.Refuse("model_type", "\"bert\", the encoder's");
  }
  if (top.Integer("hidden_size", {}, encoder.hidden_size) != encoder.hidden_size) {
    top.Refuse("hidden_size", std::to_string(encoder.hidden_size) + ", the encoder's");
  }
  const json* object = top.Find("config");
  if (object == nullptr || !object->is_object()) top.Refuse("config", "an object");
  if (!top.status().ok()) return top.status();

  JsonFields config(*object);
  for (const char* on : {"query", "key"}) {
    if (!config.Boolean(on, true)) config.Refuse(on, "true: Fathom computes no fusion without");
  }
  // Not saved, and another at every call of the library: 50, then falling.
  for (const char* off : {"query_before_ln", "residual_before", "temperature"}) {
    if (config.Boolean(off, false)) config.Refuse(off, "false: Fathom does not compute it");
  }
  config.Boolean("value_before_softmax", true);  // both orders are one sum
  parsed.has_value = config.Boolean("value", true);
  if (!config.status().ok()) return config.status();
  return parsed;
}

json MakeFusionSetup(const FusionSetup& setup) {
  json children = json::array();
  for (const std::string& name : setup.member_names) {
    children.push_back({{"type", "single"}, {"children", json::array({name})}});
  }
  json node = {{"type", "Fuse"}, {"children", std::move(children)}};
  if (setup.name != absl::StrJoin(setup.member_names, ",")) node["kwargs"] = {{"name", setup.name}};
  json made = {
      {"adapter_setup", std::move(node)}, {"head_setup", nullptr}, {"version", kFormatVersion}};
  if (setup.head_folder) made["head_setup"] = *setup.head_folder;
  return made;
}

json MakeFusionConfig(const FusionConfig& config) {
  return {
      {"key", true},
      {"query", true},
      {"value", config.has_value},
      {"query_before_ln", false},
      {"regularization", config.has_value},
      {"residual_before", false},
      {"temperature", false},
      {"value_before_softmax", true},
      {"value_initialized", config.has_value},
      {"dropout_prob", nullptr},
  };
}

}  // namespace fathom
