#include "adapters/model/architecture.h"

#include <nlohmann/json.hpp>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "runtime/model/json_fields.h"
#include "runtime/task/format/reduction_factor.h"

namespace fathom::training {
namespace {

bool IsLayer(const std::string& key, int layers) {
  int layer = 0;
  return key == "default" || (absl::SimpleAtoi(key, &layer) && layer >= 0 && layer < layers &&
                              key == absl::StrCat(layer));
}

// As the library writes it: a number, or an object by layer.
absl::StatusOr<nlohmann::json> ParseFactor(const std::string& text, int layers) {
  double number = 0;
  if (absl::SimpleAtod(text, &number)) return nlohmann::json(number);
  nlohmann::json map = nlohmann::json::object();
  for (const std::string& part : std::vector<std::string>(absl::StrSplit(text, ','))) {
    const std::vector<std::string> sides = absl::StrSplit(part, '=');
    if (sides.size() != 2 || !IsLayer(sides[0], layers) || !absl::SimpleAtod(sides[1], &number)) {
      return absl::InvalidArgumentError(
          absl::StrCat("'", part, "' is not LAYER=NUMBER, with a layer from 0 to ", layers - 1,
                       " or \"default\""));
    }
    if (!map.emplace(sides[0], number).second) {
      return absl::InvalidArgumentError(absl::StrCat("'", sides[0], "' is named twice"));
    }
  }
  return map;
}

}  // namespace

std::optional<Architecture> FindArchitecture(std::string_view name, int layers) {
  Architecture architecture;
  architecture.layout.left_out.assign(static_cast<size_t>(layers), false);
  auto& [attention, ffn] = architecture.layout.sites;
  if (name == "pfeiffer") {
    ffn = AdapterSite{AdapterInput::kNormalizedSum, Activation::kRelu, 1.0};
  } else if (name == "houlsby") {
    attention = AdapterSite{AdapterInput::kDense, Activation::kSilu, 1.0};
    ffn = attention;
  } else if (name == "parallel") {
    ffn = AdapterSite{AdapterInput::kResidual, Activation::kRelu, 4.0};
    architecture.reduction_factor = 2;
  } else {
    return std::nullopt;
  }
  return architecture;
}

absl::StatusOr<std::vector<int>> BottleneckWidths(const std::string& reduction_factor,
                                                  const EncoderConfig& encoder) {
  const absl::StatusOr<nlohmann::json> factor = ParseFactor(reduction_factor, encoder.layers);
  if (!factor.ok()) return factor.status();
  const nlohmann::json config = {{"reduction_factor", *factor}};
  JsonFields fields(config);
  std::vector<int> widths = ReadWidths(fields, encoder);
  if (!fields.status().ok()) return fields.status();
  return widths;
}

}  // namespace fathom::training
