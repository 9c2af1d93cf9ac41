#include "adapters/report/fusion_report.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "absl/strings/str_format.h"

namespace fathom::training {
namespace {

// Over the places of the layer that were measured.
double LayerWeight(const MemberWeights& weights, size_t layer, size_t member) {
  double sum = 0;
  int places = 0;
  for (const std::vector<double>& at_place : weights[layer]) {
    if (at_place.empty()) continue;
    sum += at_place[member];
    ++places;
  }
  return places == 0 ? 0 : sum / places;
}

bool Stands(const Fusion& fusion, const std::string& name, size_t layer) {
  const auto found = std::find(fusion.member_names.begin(), fusion.member_names.end(), name);
  if (found == fusion.member_names.end()) return false;
  const auto index = static_cast<size_t>(found - fusion.member_names.begin());
  return !fusion.members[index].layout.left_out[layer];
}

}  // namespace

std::string FormatKept(const std::vector<std::string>& members, const MemberWeights& weights,
                       const Fusion& pruned) {
  std::string text = "mean attention weight of each adapter; * kept\nlayer";
  std::vector<int> columns;
  for (const std::string& name : members) {
    columns.push_back(std::max(8, static_cast<int>(name.size()) + 2));
    absl::StrAppendFormat(&text, "%*s", columns.back(), name);
  }
  text += "\n";
  for (size_t layer = 0; layer < weights.size(); ++layer) {
    absl::StrAppendFormat(&text, "%5d", layer);
    for (size_t i = 0; i < members.size(); ++i) {
      absl::StrAppendFormat(&text, "%*.3f%s", columns[i] - 1, LayerWeight(weights, layer, i),
                            Stands(pruned, members[i], layer) ? "*" : " ");
    }
    text += "\n";
  }
  return text;
}

std::string FormatAttentionJson(const std::string& task, const std::vector<std::string>& members,
                                const MemberWeights& weights) {
  nlohmann::ordered_json attention = nlohmann::ordered_json::object();
  for (size_t i = 0; i < members.size(); ++i) {
    std::vector<double> by_layer;
    for (size_t layer = 0; layer < weights.size(); ++layer) {
      by_layer.push_back(LayerWeight(weights, layer, i));
    }
    attention[members[i]] = by_layer;
  }
  nlohmann::ordered_json json;
  json["tasks"][task]["fusion_attention"] = std::move(attention);
  return json.dump(2) + "\n";
}

}  // namespace fathom::training
