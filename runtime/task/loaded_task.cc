#include "runtime/task/loaded_task.h"

#include <atomic>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "runtime/task/pack_weights.h"

namespace fathom {
namespace {

uint64_t NextId() {
  static std::atomic<uint64_t> next = 1;
  return next.fetch_add(1);
}

// What a client sees of weights that cannot be had: the fault is of the task, not of the request.
absl::Status ForClient(const TaskInfo& info, const absl::Status& error) {
  const absl::StatusCode code = absl::IsResourceExhausted(error)
                                    ? absl::StatusCode::kResourceExhausted
                                    : absl::StatusCode::kFailedPrecondition;
  return absl::Status(code, absl::StrCat("task \"", info.name, "\" version ", info.version,
                                         ": its weights cannot be read: ", error.message()));
}

absl::StatusOr<std::shared_ptr<const TaskWeights>> ReadWeights(const CheckedFolder& folder) {
  absl::StatusOr<FolderWeights> weights = ReadFolderWeights(folder);
  if (!weights.ok()) return weights.status();
  return std::make_shared<const TaskWeights>(TaskWeights{.adapter = std::move(weights->adapter),
                                                         .head = *std::move(weights->head),
                                                         .bytes = folder.packed_bytes});
}

}  // namespace

LoadedTask::LoadedTask(TaskInfo info, CheckedFolder folder, std::shared_ptr<WeightCache> cache)
    : ServableTask(std::move(info)),
      id_(NextId()),
      cache_(std::move(cache)),
      folder_(std::move(folder)),
      layout_(folder_->adapter.layout),
      widths_(folder_->adapter.widths),
      head_layers_(static_cast<int>(folder_->head->layer_names.size())),
      classes_(folder_->head->classes) {
  for (size_t layer = 0; layer < widths_.size(); ++layer) {
    if (layout_.left_out[layer]) widths_[layer] = 0;
  }
}

LoadedTask::LoadedTask(TaskInfo info, Adapter adapter, Head head)
    : ServableTask(std::move(info)), id_(NextId()), layout_(adapter.layout) {
  widths_ = EffectiveWidths(adapter);
  head_layers_ = static_cast<int>(head.layers.size());
  classes_ = static_cast<int>(head.layers.back().weight.size(0));
  PackWeights(adapter, &head);
  const int64_t bytes = PackedBytes(adapter, &head);
  weights_ = std::make_shared<const TaskWeights>(
      TaskWeights{.adapter = std::move(adapter), .head = std::move(head), .bytes = bytes});
}

LoadedTask::~LoadedTask() {
  if (cache_ != nullptr) cache_->Forget(id_);
}

absl::StatusOr<std::shared_ptr<const TaskWeights>> LoadedTask::Pin() const {
  if (cache_ == nullptr) return weights_;
  auto weights = cache_->Pin(id_, folder_->packed_bytes, [this] { return ReadWeights(*folder_); });
  if (!weights.ok()) return ForClient(info(), weights.status());
  return weights;
}

}  // namespace fathom
