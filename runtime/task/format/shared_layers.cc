#include "runtime/task/format/shared_layers.h"

#include <array>
#include <optional>

#include "absl/strings/str_cat.h"

namespace fathom {
namespace {

bool SameTensor(const at::Tensor& a, const at::Tensor& b) {
  return a.sizes() == b.sizes() && a.scalar_type() == b.scalar_type() &&
         (a.is_meta() || a.equal(b));
}

bool SameModule(const AdapterModule& a, const AdapterModule& b) {
  return SameTensor(a.down_weight, b.down_weight) && SameTensor(a.down_bias, b.down_bias) &&
         SameTensor(a.up_weight, b.up_weight) && SameTensor(a.up_bias, b.up_bias);
}

}  // namespace

absl::Status ShareLayers(Adapter& adapter) {
  std::array<std::optional<AdapterModule>, kPlaceCount> shared;
  for (size_t layer = 0; layer < adapter.modules.size(); ++layer) {
    for (size_t place = 0; place < kPlaceCount; ++place) {
      std::optional<AdapterModule>& module = adapter.modules[layer][place];
      if (!module) continue;
      if (!shared[place]) shared[place] = module;
      if (!SameModule(*module, *shared[place])) {
        return absl::InvalidArgumentError(
            absl::StrCat("fathom.shares_layers is true, but the modules of layer ", layer,
                         " are not those of the layers below"));
      }
      module = shared[place];
    }
  }
  return absl::OkStatus();
}

}  // namespace fathom
