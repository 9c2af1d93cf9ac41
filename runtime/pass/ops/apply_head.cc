#include "runtime/pass/ops/apply_head.h"

#include <ATen/ops/linear.h>

#include "runtime/pass/ops/activation.h"

namespace fathom::ops {

at::Tensor ApplyHead(const Head& head, const Encoder& encoder, const at::Tensor& cls_rows) {
  at::Tensor state = head.use_pooler ? (*encoder.pooler())(cls_rows) : cls_rows;
  for (size_t i = 0; i < head.layers.size(); ++i) {
    const HeadLayer& layer = head.layers[i];
    state = at::linear(state, layer.weight,
                       layer.bias.defined() ? std::optional<at::Tensor>(layer.bias) : std::nullopt);
    if (i + 1 < head.layers.size()) ActivateInPlace(state, head.activation);
  }
  return state;
}

}  // namespace fathom::ops
