#include "adapters/model/adapter_task.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/linear.h>

#include <array>
#include <utility>

#include "absl/strings/str_cat.h"
#include "adapters/model/initial_weights.h"
#include "adapters/schedule/uniform.h"
#include "runtime/pass/ops/activation.h"

namespace fathom::training {
namespace {

constexpr std::array<const char*, kPlaceCount> kPlaceNames = {"attention", "ffn"};

}  // namespace

AdapterTask::AdapterTask(const AdapterDesign& design, uint64_t seed) {
  InitialWeights weights(StreamSeed(seed, Stream::kWeights));
  adapter_.layout = design.layout;
  adapter_.modules.resize(design.layout.left_out.size());
  std::array<std::optional<AdapterModule>, kPlaceCount> shared;
  for (int layer = 0; layer < design.layout.layers(); ++layer) {
    for (const Place place : {Place::kAttention, Place::kFfn}) {
      if (!design.layout.HasModule(layer, place)) continue;
      const auto at_place = static_cast<size_t>(place);
      std::optional<AdapterModule>& module = adapter_.modules[static_cast<size_t>(layer)][at_place];
      const std::string owner = design.share_across_layers ? "shared" : absl::StrCat(layer);
      if (!design.share_across_layers || !shared[at_place]) {
        shared[at_place] = MakeModule(absl::StrCat("adapter.", owner, ".", kPlaceNames[at_place]),
                                      design, layer, weights);
      }
      module = shared[at_place];
    }
  }
  MakeHead(design.hidden_size, design.labels, seed);
}

AdapterModule AdapterTask::MakeModule(const std::string& prefix, const AdapterDesign& design,
                                      int layer, InitialWeights& weights) {
  const int64_t hidden = design.hidden_size;
  const int64_t width = design.widths[static_cast<size_t>(layer)];
  AdapterModule module;
  module.down_weight = weights.Matrix(width, hidden);
  module.down_bias = InitialWeights::Bias(width);
  module.up_weight = weights.Matrix(hidden, width);
  module.up_bias = InitialWeights::Bias(hidden);
  named_[prefix + ".down_weight"] = module.down_weight;
  named_[prefix + ".down_bias"] = module.down_bias;
  named_[prefix + ".up_weight"] = module.up_weight;
  named_[prefix + ".up_bias"] = module.up_bias;
  return module;
}

at::Tensor AdapterTask::Delta(int layer, Place place, const at::Tensor& input, Dropout&) const {
  const AdapterSite& site = *adapter_.layout.site(place);
  const AdapterModule& module = adapter_.module(layer, place);
  const at::Tensor hidden =
      ops::Activate(at::linear(input, module.down_weight, module.down_bias), site.activation);
  const at::Tensor up = at::linear(hidden, module.up_weight, module.up_bias);
  return site.scaling == 1.0 ? up : up * site.scaling;
}

FrozenTask AdapterTask::Freeze(WeightDtype dtype) const {
  FrozenTask frozen{.encoder = nullptr, .adapter = adapter_, .head = FrozenHead(dtype)};
  for (auto& layer : frozen.adapter.modules) {
    for (std::optional<AdapterModule>& module : layer) {
      if (!module) continue;
      for (at::Tensor* tensor :
           {&module->down_weight, &module->down_bias, &module->up_weight, &module->up_bias}) {
        *tensor = Frozen(*tensor, dtype);
      }
    }
  }
  return frozen;
}

absl::Status AdapterTask::Write(const TaskDestination& to, TrainingRecord record) const {
  FrozenTask frozen = Freeze(to.dtype);
  const AdapterFolder folder{.name = to.name,
                             .architecture = to.architecture,
                             .adapter = std::move(frozen.adapter),
                             .head = std::move(frozen.head),
                             .training = std::move(record)};
  return WriteAdapterFolder(to.folder, folder, to.encoder, {.model_name = to.encoder_name},
                            to.dtype);
}

}  // namespace fathom::training
