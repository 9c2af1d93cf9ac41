// Prediction heads.
#pragma once

#include <ATen/core/Tensor.h>

#include "runtime/model/encoder.h"
#include "runtime/task/adapter.h"

namespace fathom::ops {

// cls_rows [B, H], the last layer's [CLS] states -> logits [B, C]. REQUIRES a pooler in the encoder
// where the head uses one (checked when the task is loaded).
at::Tensor ApplyHead(const Head& head, const Encoder& encoder, const at::Tensor& cls_rows);

}  // namespace fathom::ops
