// The entries of CpuOps() that have files of their own; contracts in op_table.h.
#pragma once

#include "runtime/pass/ops/op_table.h"

namespace fathom::ops {

void CpuClsAttention(const ClsProjections& weights, const at::Tensor& x,
                     absl::Span<const Rows> blocks, at::Tensor& context);
void CpuHeads(absl::Span<const HeadRows> heads, const Encoder& encoder, const at::Tensor& state);

}  // namespace fathom::ops
