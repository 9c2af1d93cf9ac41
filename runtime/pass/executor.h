// Executor: walks a PassPlan over an encoder. A layer reads like the paper's figure.
#pragma once

#include <ATen/core/Tensor.h>

#include <memory>
#include <optional>

#include "absl/types/span.h"
#include "runtime/model/encoder.h"
#include "runtime/pass/ops/op_table.h"
#include "runtime/pass/plan.h"
#include "runtime/task/adapter.h"
#include "runtime/text/text.h"

namespace fathom {

// The trunk state that a branch starts from, at one place of one layer.
struct TrunkState {
  at::Tensor dense;     // [R, H] f: the place's dense output, before residual and LayerNorm
  at::Tensor residual;  // [R, H] x: the place's residual input
};

// Holds the workspace of a pass, so one Executor serves one thread at a time; several may share one
// encoder. LibTorch's exceptions pass through: the Engine catches them.
class Executor {
 public:
  explicit Executor(std::shared_ptr<const Encoder> encoder,
                    const ops::OpTable& table = ops::CpuOps());

  // Runs `plan` over `texts`, whose token counts are plan.text_tokens. `adapters` is indexed by
  // EpilogueSegment::adapter. Returns the last layer's states [rows_out of the last stage, H],
  // which stay valid until the next call.
  at::Tensor Run(const PassPlan& plan, absl::Span<const TokenizedText* const> texts,
                 absl::Span<const Adapter* const> adapters);

  // The trunk of `texts` up to `fork`, rows packed in order of the texts. What it returns is the
  // caller's own and ordinary (not inference-mode) tensors without gradient: the trainer saves them
  // for backward.
  TrunkState RunTrunk(absl::Span<const TokenizedText* const> texts, Fork fork);

  const Encoder& encoder() const { return *encoder_; }

 private:
  // The buffers of a pass, [rows, H] each. They grow to the largest pass and are then reused.
  struct Workspace {
    at::Tensor state;    // what enters a stage
    at::Tensor next;     // what leaves it
    at::Tensor context;  // attention's output
  };

  void Reserve(int64_t rows);
  void Start(const PassPlan& plan, absl::Span<const TokenizedText* const> texts);
  at::Tensor Dense(const Stage& stage, const at::Tensor& x);
  void Epilogue(const Stage& stage, const at::Tensor& dense, const at::Tensor& residual,
                absl::Span<const Adapter* const> adapters);

  const std::shared_ptr<const Encoder> encoder_;
  const ops::OpTable& table_;
  Workspace workspace_;
  at::Tensor state_;  // [rows, H], the part of workspace_.state that is in use
};

}  // namespace fathom
