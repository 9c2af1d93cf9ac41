#include "runtime/task/site.h"

namespace fathom {

std::optional<Fork> FindFork(const AdapterLayout& layout, int skip_layers) {
  for (int layer = skip_layers; layer < layout.layers(); ++layer) {
    for (Place place : {Place::kAttention, Place::kFfn}) {
      if (layout.HasModule(layer, place)) return Fork{layer, place};
    }
  }
  return std::nullopt;
}

}  // namespace fathom
