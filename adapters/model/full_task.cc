#include "adapters/model/full_task.h"

#include <c10/util/Exception.h>

#include "adapters/model/initial_weights.h"
#include "adapters/model/model_folder.h"

namespace fathom::training {

FullTask::FullTask(const Encoder& encoder, const std::vector<std::string>& labels, uint64_t seed)
    : encoder_(encoder) {
  layout_.left_out.assign(static_cast<size_t>(encoder.config().layers), true);
  named_ = encoder_.named();
  MakeHead(encoder.config().hidden_size, labels, seed);
}

at::Tensor FullTask::Delta(int layer, Place, const at::Tensor&, Dropout&) const {
  TORCH_CHECK(false, "full fine-tuning has no module in layer ", layer);
}

FrozenTask FullTask::Freeze(WeightDtype dtype) const {
  TensorMap tensors = encoder_.FileTensors();
  for (auto& [name, tensor] : tensors) tensor = Frozen(tensor, dtype);
  const auto encoder = Encoder::FromTensors(encoder_.config(), tensors, PlainWeights::kDrop);
  TORCH_CHECK(encoder.ok(), std::string(encoder.status().message()));
  FrozenTask frozen{.encoder = *encoder, .adapter = {}, .head = FrozenHead(dtype)};
  frozen.adapter.layout = layout_;
  frozen.adapter.modules.resize(layout_.left_out.size());
  return frozen;
}

absl::Status FullTask::Write(const TaskDestination& to, TrainingRecord record) const {
  return WriteModelFolder(to.folder, *this, to.encoder_folder, to.dtype, record);
}

}  // namespace fathom::training
