// The bottleneck of an adapter.
#pragma once

#include <ATen/core/Tensor.h>

#include "runtime/task/adapter.h"
#include "runtime/task/site.h"

namespace fathom::ops {

// out = scaling · (activation(input Wdownᵀ + bdown) Wupᵀ + bup). input [R, H], out [R, H]
// contiguous.
void Bottleneck(const AdapterSite& site, const AdapterModule& module, const at::Tensor& input,
                at::Tensor out);

}  // namespace fathom::ops
