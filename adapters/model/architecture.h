// Architectures by name, as the `adapters` library wires them by default.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "runtime/model/encoder_config.h"
#include "runtime/task/site.h"

namespace fathom::training {

struct Architecture {
  AdapterLayout layout;          // no layer left out
  double reduction_factor = 16;  // the library's default: D = H / reduction_factor
};

// "pfeiffer" (seq_bn), "houlsby" (double_seq_bn), "parallel" (par_bn); nothing for other names.
std::optional<Architecture> FindArchitecture(std::string_view name, int layers);

// The bottleneck width D of every layer [L], with the library's rounding: H / factor rounded down,
// at least 1. `reduction_factor` is one number, "16", or the library's map by layer,
// "0=8,default=16"; INVALID_ARGUMENT says what is wrong with it.
absl::StatusOr<std::vector<int>> BottleneckWidths(const std::string& reduction_factor,
                                                  const EncoderConfig& encoder);

}  // namespace fathom::training
