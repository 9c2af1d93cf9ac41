// The entries of ReferenceOps() that have files of their own; contracts in op_table.h.
#pragma once

#include "runtime/pass/ops/op_table.h"

namespace fathom::ops {

void ReferenceClsAttention(const ClsProjections& weights, const at::Tensor& x,
                           absl::Span<const Rows> blocks, at::Tensor& context);

}  // namespace fathom::ops
