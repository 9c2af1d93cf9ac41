// Attention over packed texts in differentiable form. Neighbours of equal length are one block, so
// that there is neither padding nor a mask.
#pragma once

#include <ATen/core/Tensor.h>

#include "adapters/model/differentiable_encoder.h"
#include "adapters/model/dropout.h"
#include "adapters/model/packed_texts.h"

namespace fathom::training {

struct AttentionCall {
  const PackedTexts& texts;
  int64_t heads;
  double dropout_rate;  // of the weights
  Dropout& dropout;
};

// query_key_value [R, 3H] -> context [R, H].
at::Tensor SelfAttention(const at::Tensor& query_key_value, const AttentionCall& call);

// The context of the first row of each text, [B, H], with keys and values absorbed into the query
// (ops::OpTable::cls_attention): those of the other rows are not computed. x [R, H], cls [B, H] its
// first rows.
at::Tensor ClsAttention(const ClsWeights& weights, const at::Tensor& x, const at::Tensor& cls,
                        const AttentionCall& call);

}  // namespace fathom::training
