#include "runtime/task/adapter.h"

namespace fathom {
namespace {

int WidthOf(const AdapterModule& module) { return static_cast<int>(module.down_bias.numel()); }

int WidthOf(const FusionModule& fusion) {
  const int64_t rows = fusion.read_bias.numel() + fusion.write_weight.size(1);
  return static_cast<int>((rows + 1) / 2);
}

// The modules of one layer have one width.
template <typename Modules>
void SetWidths(const Modules& modules, std::vector<int>& widths) {
  for (size_t layer = 0; layer < modules.size(); ++layer) {
    for (const auto& module : modules[layer]) {
      if (module) widths[layer] = WidthOf(*module);
    }
  }
}

}  // namespace

std::vector<int> EffectiveWidths(const Adapter& adapter) {
  std::vector<int> widths(static_cast<size_t>(adapter.layout.layers()), 0);
  SetWidths(adapter.modules, widths);
  SetWidths(adapter.fusions, widths);
  return widths;
}

}  // namespace fathom
