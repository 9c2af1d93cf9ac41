// The entries of ReferenceOps() that have files of their own; contracts in op_table.h.
#pragma once

#include "runtime/pass/ops/op_table.h"

namespace fathom::ops {

void ReferenceEmbed(const Encoder& encoder, absl::Span<const TokenizedText* const> texts,
                    at::Tensor& out);
void ReferenceClsAttention(const ClsProjections& weights, const at::Tensor& x,
                           absl::Span<const Rows> blocks, at::Tensor& context);

}  // namespace fathom::ops
