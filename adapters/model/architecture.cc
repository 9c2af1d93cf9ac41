#include "adapters/model/architecture.h"

#include <algorithm>

namespace fathom::training {

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

int BottleneckWidth(int hidden_size, double reduction_factor) {
  return std::max(1, static_cast<int>(hidden_size / reduction_factor));
}

}  // namespace fathom::training
