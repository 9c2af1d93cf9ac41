#include "runtime/task/format/fusion_folder.h"

#include <exception>
#include <utility>

#include "absl/strings/str_cat.h"
#include "runtime/task/format/checked_folder.h"
#include "runtime/task/format/file_names.h"
#include "runtime/task/format/weight_file.h"
#include "runtime/task/pack_weights.h"

namespace fathom {
namespace {

// In memory of its own, fp32.
void Own(at::Tensor& tensor) {
  if (tensor.defined()) tensor = tensor.to(at::kFloat, /*non_blocking=*/false, /*copy=*/true);
}

void Own(Fusion& fusion) {
  for (Adapter& member : fusion.members) PackWeights(member, nullptr);
  for (auto& places : fusion.layers) {
    for (auto& layer : places) {
      if (!layer) continue;
      Own(layer->query_weight);
      Own(layer->query_bias);
      Own(layer->key_weight);
      Own(layer->key_bias);
      Own(layer->value_weight);
    }
  }
}

absl::StatusOr<FusionFolder> ReadUnguarded(const CheckedFolder& checked) {
  absl::StatusOr<Fusion> fusion = ReadFusion(*checked.fusion, checked.encoder, TensorData::kRead);
  if (!fusion.ok()) return fusion.status();
  absl::StatusOr<std::optional<Head>> head = ReadHeadWeights(checked);
  if (!head.ok()) return head.status();
  FusionFolder folder{.name = checked.adapter.name,
                      .fusion = *std::move(fusion),
                      .head = *std::move(head),
                      .training = checked.training};
  Own(folder.fusion);
  if (folder.head) {
    for (HeadLayer& layer : folder.head->layers) {
      Own(layer.weight);
      Own(layer.bias);
    }
  }
  const absl::Status unchanged = CheckUnchanged(*checked.fusion);
  if (!unchanged.ok()) return unchanged;
  return folder;
}

}  // namespace

bool IsFusionFolder(const std::string& folder) { return FileExists(JoinPath(folder, kSetupFile)); }

absl::StatusOr<FusionFolder> ReadFusionFolder(const std::string& folder,
                                              const EncoderConfig& encoder) {
  const absl::StatusOr<CheckedFolder> checked = CheckFusionFolder(folder, encoder);
  if (!checked.ok()) return checked.status();
  try {
    return ReadUnguarded(*checked);
  } catch (const std::exception& error) {  // no memory
    return absl::ResourceExhaustedError(absl::StrCat(folder, ": ", error.what()));
  }
}

bool RunsInLibrary(const Fusion& fusion) {
  return FusedLayout(fusion).left_out == fusion.members.back().layout.left_out;
}

}  // namespace fathom
