// Executor: walks a PassPlan over an encoder. A layer reads like the paper's figure.
#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <memory>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/types/span.h"
#include "runtime/cache/tap.h"
#include "runtime/cache/tap_cache.h"
#include "runtime/engine.h"
#include "runtime/model/encoder.h"
#include "runtime/pass/ops/op_table.h"
#include "runtime/pass/plan.h"
#include "runtime/task/adapter.h"
#include "runtime/text/text.h"

namespace fathom {

// The trunk state that a branch starts from, at one place of one layer. Its rows are all R rows of
// the texts or, where cls_only, the [CLS] row of each of the B texts.
struct TrunkState {
  Fork at;
  at::Tensor dense;     // [R or B, H] f: the place's dense output, before residual and LayerNorm
  at::Tensor residual;  // [R or B, H] x: the place's residual input
  bool cls_only = false;
};

struct KeptTap {
  int32_t text = 0;
  std::shared_ptr<const Tap> tap;
};

// The taps that a pass reads and makes.
struct TapTransfer {
  absl::Span<const TextTaps> found;  // [texts]; what PlanText::taps described, in the same order
  TapPrecision precision = TapPrecision::kFp32;  // of those that are made
  std::vector<KeptTap>* kept = nullptr;          // appended to; null: none are made
};

// What a pass tells while it runs, and what it is told.
struct PassWatch {
  // Asked before each layer but the first: true ends the pass. Null, or empty: never.
  const std::function<bool()>* abandoned = nullptr;
  PassTimes* times = nullptr;  // grows by the trunks' and the branches'; null: not measured
};

// Holds the workspace of a pass, so one Executor serves one thread at a time; several may share one
// encoder. LibTorch's exceptions pass through: the Engine catches them.
class Executor {
 public:
  explicit Executor(std::shared_ptr<const Encoder> encoder,
                    const ops::OpTable& table = ops::CpuOps());

  // Runs `plan` over `texts`, whose token counts are plan.text_tokens. `adapters` is indexed by
  // EpilogueSegment::adapter. Returns the last layer's states [rows_out of the last stage, H],
  // which stay valid until the next call; an undefined tensor if the pass was abandoned.
  at::Tensor Run(const PassPlan& plan, absl::Span<const TokenizedText* const> texts,
                 absl::Span<const Adapter* const> adapters, const TapTransfer& taps = {},
                 const PassWatch& watch = {});

  // The trunk of `texts` up to `fork`, rows packed in order of the texts; cls_only in the last
  // layer (an encoder of one layer computes all rows). It runs from the embeddings or, where `from`
  // is given, from that state of the same texts. What it returns is ordinary (not inference-mode)
  // tensors without gradient, which the trainer saves for backward: the caller's own, or from's
  // where it is already at `fork`.
  // REQUIRES: from is at an FFN, at or before `fork`; f and x may be any two with that sum, unless
  // it is returned.
  TrunkState RunTrunk(absl::Span<const TokenizedText* const> texts, Fork fork,
                      const TrunkState* from = nullptr);

  // The same way from the embeddings to `last`, and shows the state at every place. What is shown
  // is valid inside the call only.
  void ShowTrunk(absl::Span<const TokenizedText* const> texts, Fork last,
                 absl::FunctionRef<void(const TrunkState&)> show);

  const Encoder& encoder() const { return *encoder_; }

 private:
  // The buffers of a pass, [rows, H] but where another width is named. They grow to the largest
  // pass and are then reused. GEMMs that cannot write into a given buffer leave theirs unused.
  struct Workspace {
    at::Tensor state;            // what enters a stage
    at::Tensor next;             // what leaves it
    at::Tensor context;          // attention's output
    at::Tensor query_key_value;  // [rows, 3H]
    at::Tensor intermediate;     // [rows, I]
    at::Tensor dense;            // what the stage's GEMMs end with
    at::Tensor tap_dense;        // the tap block of a stage
    at::Tensor tap_residual;
  };

  void WalkTrunk(absl::Span<const TokenizedText* const> texts, Fork last, const TrunkState* from,
                 absl::FunctionRef<void(const TrunkState&)> show);
  TrunkState TrunkStateAt(const Stage& stage, const at::Tensor& dense) const;
  void Reserve(int64_t rows, int64_t tap_rows);
  void Start(const PassPlan& plan, absl::Span<const TokenizedText* const> texts);
  void Embed(const PassPlan& plan, absl::Span<const TokenizedText* const> texts);
  at::Tensor Dense(const Stage& stage, const at::Tensor& x);
  void LoadTaps(const Stage& stage, const TapTransfer& taps);
  void KeepTaps(const Stage& stage, const at::Tensor& dense, const TapTransfer& taps) const;
  void Epilogue(const Stage& stage, const at::Tensor& dense,
                absl::Span<const Adapter* const> adapters);

  // What an epilogue list reads and what it is.
  struct EpilogueInput {
    const at::Tensor& dense;
    const at::Tensor& residual;
    absl::Span<const EpilogueSegment> segments;
  };
  void RunEpilogue(const Stage& stage, const EpilogueInput& input,
                   absl::Span<const Adapter* const> adapters, at::Tensor& out) const;

  const std::shared_ptr<const Encoder> encoder_;
  const ops::OpTable& table_;
  Workspace workspace_;
  std::vector<const TokenizedText*> embedded_;  // reused
  at::Tensor state_;  // [rows, H], the part of workspace_.state that is in use
};

}  // namespace fathom
