// Branch: the layers of an encoder with a task's modules, in differentiable form: the arithmetic of
// Executor. From a fork on, gradients reach the task's modules and stop at the fork; from the
// embeddings on, they reach all weights that are trained.
#pragma once

#include <ATen/core/Tensor.h>

#include "absl/types/span.h"
#include "adapters/model/branch_attention.h"
#include "adapters/model/differentiable_encoder.h"
#include "adapters/model/dropout.h"
#include "adapters/model/packed_texts.h"
#include "adapters/model/trainable_task.h"
#include "runtime/pass/executor.h"

namespace fathom::training {

struct BranchInput {
  const PackedTexts& texts;
  const TrunkState& trunk;  // at `fork`, without gradient
  Fork fork;
};

struct BranchTexts {
  absl::Span<const TokenizedText* const> tokens;
  const PackedTexts& packed;
};

// For one pack of texts. Keeps references to all it is given.
class Branch {
 public:
  Branch(const DifferentiableEncoder& encoder, const TaskModules& task, const DropoutRates& rates,
         Dropout& dropout);

  // The last layer's [CLS] states, [B, H]. Only those rows are computed where no other text row
  // needs the rest: from the last layer's queries on.
  at::Tensor ClsStates(const BranchInput& input);

  // The same from the embeddings, with all modules.
  at::Tensor ClsStates(const BranchTexts& texts);

  // The trunk's state at `fork` with dropout in the embeddings and in every layer, as the
  // `adapters` library trains: another one at every step. Without gradient.
  TrunkState DroppedTrunk(const BranchTexts& texts, Fork fork);

 private:
  // A place of a layer before its epilogue.
  struct Stage {
    at::Tensor dense;
    at::Tensor residual;
  };

  at::Tensor Embed(const BranchTexts& texts);
  at::Tensor Layer(int layer, const PackedTexts& texts, const at::Tensor& x);
  Stage Attention(int layer, const PackedTexts& texts, const at::Tensor& x);
  Stage ClsAttention(int layer, const PackedTexts& texts, const at::Tensor& x);
  Stage Ffn(int layer, const at::Tensor& x);
  at::Tensor Epilogue(Fork at, const Stage& stage);
  bool IsLast(int layer) const { return layer + 1 == encoder_.config().layers; }
  AttentionCall Call(const PackedTexts& texts);

  const DifferentiableEncoder& encoder_;
  const TaskModules& task_;
  const DropoutRates& rates_;
  Dropout& dropout_;
  Fork modules_from_;  // the task's modules before it do not run
};

// The head with its dropout: cls_states [B, H] -> logits [B, C].
at::Tensor TrainingHead(const Head& head, const at::Tensor& cls_states, double dropout_rate,
                        Dropout& dropout);

}  // namespace fathom::training
