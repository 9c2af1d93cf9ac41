// CostTable as JSON, for the calibration file.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>

#include "runtime/depth/cost_model.h"

namespace fathom {

nlohmann::json ToJson(const CostTable& table);

// Nothing if it is not what ToJson writes, or has times that cannot be.
std::optional<CostTable> CostTableFromJson(const nlohmann::json& json);

}  // namespace fathom
