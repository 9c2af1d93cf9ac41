// ShapeTimes as JSON, for the calibration file.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>

#include "runtime/model/gemm_choice.h"

namespace fathom {

nlohmann::json ToJson(const ShapeTimes& times);

// Nothing if it is not what ToJson writes, is empty, names a candidate that this build cannot run
// at that precision, or has times that cannot be.
std::optional<ShapeTimes> ShapeTimesFromJson(const nlohmann::json& json, Precision precision);

// A list of [rows, ms]. The reader wants rising rows and finite times above zero.
nlohmann::json ToJson(const RowTimes& times);
std::optional<RowTimes> RowTimesFromJson(const nlohmann::json& json);

}  // namespace fathom
