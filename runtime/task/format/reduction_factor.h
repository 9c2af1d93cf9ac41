// Between bottleneck widths and the reduction_factor of a config: one number, or a map by layer.
#pragma once

#include <nlohmann/json.hpp>
#include <vector>

#include "runtime/model/encoder_config.h"
#include "runtime/model/json_fields.h"
#include "runtime/task/format/adapter_config.h"

namespace fathom {

// The width of every layer [L]; refuses in `config`, and is then not to be used.
std::vector<int> ReadWidths(JsonFields& config, const EncoderConfig& encoder);

// The value from which the library (and ReadWidths) computes the same widths.
nlohmann::json MakeReductionFactor(const AdapterConfig& config, int hidden_size);

}  // namespace fathom
