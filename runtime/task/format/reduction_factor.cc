#include "runtime/task/format/reduction_factor.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>

namespace fathom {
namespace {

using nlohmann::json;

constexpr double kMaxWidth = 1 << 20;

// int(hidden_size // factor), at least 1, with Python's floor division of floats, which rounds the
// quotient of what remains after the modulus. Nothing for a factor that gives no usable width.
std::optional<int> WidthFor(const json& factor, int hidden_size) {
  if (!factor.is_number()) return std::nullopt;
  const double divisor = factor.get<double>();
  if (!(divisor > 0)) return std::nullopt;
  const double width = std::round((hidden_size - std::fmod(hidden_size, divisor)) / divisor);
  if (!(width <= kMaxWidth)) return std::nullopt;
  return std::max(1, static_cast<int>(width));
}

// A whole number where one exists: that is what people write.
json FactorFor(int width, int hidden_size) {
  const int whole = hidden_size / width;
  if (whole > 0 && hidden_size / whole == width) return whole;
  return hidden_size / (width + 0.5);  // in the middle, so that no rounding changes the floor
}

}  // namespace

std::vector<int> ReadWidths(JsonFields& config, const EncoderConfig& encoder) {
  static constexpr char kKey[] = "reduction_factor";
  std::vector<int> widths(static_cast<size_t>(encoder.layers), 1);
  const json* value = config.Find(kKey);
  for (int layer = 0; layer < encoder.layers; ++layer) {
    const json* factor = value;
    if (value != nullptr && value->is_object()) {
      auto own = value->find(std::to_string(layer));
      if (own == value->end()) own = value->find("default");
      factor = own == value->end() ? nullptr : &*own;
    }
    const std::optional<int> width =
        factor == nullptr ? std::nullopt : WidthFor(*factor, encoder.hidden_size);
    if (!width) {
      config.Refuse(kKey, "a positive number, or a map from layers to such with a \"default\"");
      return widths;
    }
    widths[static_cast<size_t>(layer)] = *width;
  }
  return widths;
}

json MakeReductionFactor(const AdapterConfig& config, int hidden_size) {
  std::optional<int> common;
  json by_layer = json::object();
  for (int layer = 0; layer < config.layout.layers(); ++layer) {
    if (config.layout.left_out[static_cast<size_t>(layer)]) continue;
    const int width = config.widths[static_cast<size_t>(layer)];
    if (!common) common = width;
    if (width != *common) by_layer[std::to_string(layer)] = FactorFor(width, hidden_size);
  }
  const json factor = FactorFor(common.value_or(hidden_size), hidden_size);
  if (by_layer.empty()) return factor;
  by_layer["default"] = factor;
  return by_layer;
}

}  // namespace fathom
