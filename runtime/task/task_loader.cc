#include "runtime/task/task_loader.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "runtime/task/format/checked_folder.h"

namespace fathom {
namespace {

absl::Status CheckServable(const CheckedFolder& folder, const Encoder& encoder) {
  if (!folder.head) {
    return absl::InvalidArgumentError(
        absl::StrCat(folder.fusion ? "the fusion has no prediction head (head_setup names none)"
                                   : "the adapter has no prediction head (no head_config.json)",
                     ", so it answers nothing"));
  }
  if (folder.head->use_pooler && !encoder.pooler()) {
    return absl::InvalidArgumentError(
        "the head reads the encoder's pooler (use_pooler), and this encoder has none");
  }
  if (folder.training && !folder.training->encoder_fingerprint.empty() &&
      folder.training->encoder_fingerprint != encoder.fingerprint()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "the adapter was trained on the encoder ", folder.training->encoder_fingerprint,
        ", this server runs ", encoder.fingerprint(), "; serve it with its own encoder"));
  }
  return absl::OkStatus();
}

TaskInfo Describe(TaskInfo info, const CheckedFolder& folder) {
  info.head = folder.head->kind;
  info.labels = folder.head->labels;
  info.architecture = folder.fusion ? "fusion" : ArchitectureName(folder.adapter.layout);
  if (folder.training) {
    info.method = folder.training->method;
    info.trained_skip_layers = folder.training->trained_skip_layers;
    info.profile = folder.training->profile;
  }
  info.default_skip_layers = info.trained_skip_layers.first;
  return info;
}

// A version that is replaced while calls wait for it, or before it was ever used, is still read
// from its own files.
void HoldFiles(CheckedFolder& folder) {
  if (folder.head) HoldFile(folder.head_file);
  if (!folder.fusion) {
    HoldFile(folder.adapter_file);
    return;
  }
  HoldFile(folder.fusion->file);
  for (CheckedFusion::Member& member : folder.fusion->members) HoldFile(member.file);
}

}  // namespace

absl::StatusOr<std::shared_ptr<const LoadedTask>> LoadTaskFolder(
    const SeenVersion& version, WeightReading reading, const Encoder& encoder,
    const std::shared_ptr<WeightCache>& weights) {
  absl::StatusOr<CheckedFolder> content = CheckTaskFolder(version.path, encoder.config());
  if (!content.ok()) return content.status();
  if (absl::Status status = CheckServable(*content, encoder); !status.ok()) return status;
  TaskInfo info = Describe({.name = version.name, .version = version.version}, *content);
  HoldFiles(*content);
  content->training.reset();  // what a server needs of it is in the info
  auto task = std::make_shared<const LoadedTask>(std::move(info), *std::move(content), weights);
  if (reading == WeightReading::kNow) {
    if (const auto pinned = task->Pin(); !pinned.ok()) return pinned.status();
  }
  return task;
}

}  // namespace fathom
