#include "adapters/measure/fusion_attention.h"

#include <ATen/core/grad_mode.h>

#include <numeric>
#include <utility>
#include <vector>

#include "adapters/model/branch.h"
#include "adapters/model/frozen_encoder.h"
#include "adapters/model/packed_texts.h"
#include "adapters/schedule/batching.h"
#include "runtime/pass/executor.h"

namespace fathom::training {
namespace {

constexpr int64_t kMaxRows = 2048;

std::vector<std::vector<int64_t>> Packs(const Dataset& data) {
  std::vector<int64_t> texts(data.examples.size());
  std::iota(texts.begin(), texts.end(), int64_t{0});
  std::vector<int32_t> tokens;
  for (const Example& example : data.examples) {
    tokens.push_back(static_cast<int32_t>(example.text.ids.size()));
  }
  return PackByLength(texts, tokens, kMaxRows);
}

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
  for (const std::vector<int64_t>& pack : Packs(data)) {
    std::vector<const TokenizedText*> texts;
    for (const int64_t text : pack) {
      texts.push_back(&data.examples[static_cast<size_t>(text)].text);
    }
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
