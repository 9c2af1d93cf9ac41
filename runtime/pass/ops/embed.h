// Embeddings of packed texts.
#pragma once

#include <ATen/core/Tensor.h>

#include "absl/types/span.h"
#include "runtime/model/encoder.h"
#include "runtime/pass/ops/op_table.h"
#include "runtime/text/text.h"

namespace fathom::ops {

// out[r] = LN(word + position + segment) for the tokens of all texts in order; positions restart at
// every text. out [R, H]. Ids must be below the encoder's limits (the Engine checks them).
void Embed(const OpTable& table, const Encoder& encoder,
           absl::Span<const TokenizedText* const> texts, at::Tensor& out);

}  // namespace fathom::ops
