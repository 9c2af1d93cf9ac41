#include "runtime/pass/ops/bottleneck.h"

#include <ATen/ops/addmm.h>
#include <ATen/ops/linear.h>

#include "runtime/pass/ops/activation.h"

namespace fathom::ops {

void Bottleneck(const AdapterSite& site, const AdapterModule& module, const at::Tensor& input,
                at::Tensor out) {
  at::Tensor hidden = at::linear(input, module.down_weight, module.down_bias);
  ActivateInPlace(hidden, site.activation);
  at::addmm_out(out, module.up_bias, hidden, module.up_weight.t());
  if (site.scaling != 1.0) out.mul_(site.scaling);
}

}  // namespace fathom::ops
