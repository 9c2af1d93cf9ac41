// Branch: the layers above a fork in differentiable form, the arithmetic of Executor in ordinary
// ATen operations. Gradients reach the task's modules and stop at the fork: the trunk has none.
#pragma once

#include <ATen/core/Tensor.h>

#include "adapters/model/dropout.h"
#include "adapters/model/packed_texts.h"
#include "adapters/model/trainable_task.h"
#include "runtime/model/encoder.h"
#include "runtime/pass/executor.h"

namespace fathom::training {

struct BranchInput {
  const PackedTexts& texts;
  const TrunkState& trunk;  // at `fork`, without gradient
  Fork fork;
};

// For one pack of texts. Keeps references to all it is given.
class Branch {
 public:
  Branch(const Encoder& encoder, const TaskModules& task, const DropoutRates& rates,
         Dropout& dropout);

  // The last layer's [CLS] states, [B, H]. Only those rows are computed where no other text row
  // needs the rest: from the last layer's queries on.
  at::Tensor ClsStates(const BranchInput& input);

 private:
  // Rows that enter a layer, or leave it in its last place.
  at::Tensor Layer(int layer, const PackedTexts& texts, const at::Tensor& x);
  at::Tensor Attention(int layer, const PackedTexts& texts, const at::Tensor& x);
  at::Tensor ClsAttention(int layer, const PackedTexts& texts, const at::Tensor& x,
                          const at::Tensor& cls);
  at::Tensor Attend(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value);
  at::Tensor Ffn(int layer, const at::Tensor& x);
  at::Tensor Epilogue(Fork at, const at::Tensor& dense, const at::Tensor& residual);
  bool IsLast(int layer) const { return layer + 1 == encoder_.config().layers; }

  const Encoder& encoder_;
  const TaskModules& task_;
  const DropoutRates& rates_;
  Dropout& dropout_;
};

// The head with its dropout: cls_states [B, H] -> logits [B, C].
at::Tensor TrainingHead(const Head& head, const at::Tensor& cls_states, double dropout_rate,
                        Dropout& dropout);

}  // namespace fathom::training
