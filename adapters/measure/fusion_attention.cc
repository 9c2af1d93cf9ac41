#include "adapters/measure/fusion_attention.h"

#include <ATen/core/grad_mode.h>

#include <utility>
#include <vector>

#include "adapters/data/text_packs.h"
#include "adapters/model/branch.h"
#include "adapters/model/frozen_encoder.h"
#include "adapters/model/packed_texts.h"
#include "runtime/pass/executor.h"

namespace fathom::training {
namespace {

constexpr int64_t kMaxRows = 2048;

}  // namespace

absl::StatusOr<MemberWeights> MeasureFusionAttention(
    std::shared_ptr<const Encoder> encoder, const FusionTask& fusion, const Dataset& data,
    absl::FunctionRef<bool(int64_t texts)> progress) {
  const at::NoGradGuard no_grad;
  const Fork fork = *FindFork(fusion.layout(), 0);
  const FrozenEncoder layers(encoder, fork);
  Executor executor(std::move(encoder));
  AttentionMeter meter(fusion);
  const DropoutRates rates;
  Dropout dropout(0);
  int64_t done = 0;
  for (const std::vector<int64_t>& pack : PackAll(data, kMaxRows)) {
    const std::vector<const TokenizedText*> texts = TextsOf(data, pack);
    const PackedTexts packed = Pack(texts);
    const TrunkState trunk = executor.RunTrunk(texts, fork);
    Branch(layers, meter, rates, dropout)
        .ClsStates({.texts = packed, .trunk = trunk, .fork = fork});
    done += static_cast<int64_t>(pack.size());
    if (!progress(done)) return absl::CancelledError("stopped; nothing was written");
  }
  return meter.Mean();
}

}  // namespace fathom::training
