// Architectures by name, as the `adapters` library wires them by default.
#pragma once

#include <optional>
#include <string_view>

#include "runtime/task/site.h"

namespace fathom::training {

struct Architecture {
  AdapterLayout layout;          // no layer left out
  double reduction_factor = 16;  // the library's default: D = H / reduction_factor
};

// "pfeiffer" (seq_bn), "houlsby" (double_seq_bn), "parallel" (par_bn); nothing for other names.
std::optional<Architecture> FindArchitecture(std::string_view name, int layers);

// The library's rounding: H / reduction_factor rounded down, at least 1.
int BottleneckWidth(int hidden_size, double reduction_factor);

}  // namespace fathom::training
