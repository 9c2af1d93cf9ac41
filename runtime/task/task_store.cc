#include "runtime/task/task_store.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "runtime/task/format/checked_folder.h"
#include "runtime/task/format/fusion_folder.h"

namespace fathom {
namespace {

constexpr size_t kNamesInAnError = 10;

struct VersionFolder {
  int version = 1;
  std::string path;
};

// The numbered sub-folders of a task, or the task's own folder as version 1.
std::vector<VersionFolder> FindVersions(const std::filesystem::path& task_folder) {
  std::vector<VersionFolder> found;
  if (IsFusionFolder(task_folder.string()))
    return {{1, task_folder.string()}};  // adapters "1", "2"
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(task_folder, error)) {
    int version = 0;
    if (entry.is_directory(error) && absl::SimpleAtoi(entry.path().filename().string(), &version) &&
        version > 0) {
      found.push_back({version, entry.path().string()});
    }
  }
  if (found.empty()) found.push_back({1, task_folder.string()});
  return found;
}

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

}  // namespace

absl::StatusOr<TaskStore> TaskStore::Load(const std::string& folder, const Encoder& encoder,
                                          std::shared_ptr<WeightCache> weights) {
  TaskStore store;
  if (folder.empty()) return store;
  std::error_code error;
  std::filesystem::directory_iterator entries(folder, error);
  if (error) {
    return absl::NotFoundError(
        absl::StrCat("cannot list the tasks folder ", folder, ": ", error.message()));
  }
  for (const auto& entry : entries) {
    const std::string name = entry.path().filename().string();
    if (!entry.is_directory(error) || name.starts_with('.')) continue;
    for (const VersionFolder& found : FindVersions(entry.path())) {
      store.AddVersion(name, found.version, found.path, encoder, weights);
    }
  }
  return store;
}

void TaskStore::AddVersion(const std::string& name, int version, const std::string& folder,
                           const Encoder& encoder, std::shared_ptr<WeightCache> weights) {
  Version& entry = tasks_[name][version];
  entry.info = {.name = name, .version = version};
  absl::StatusOr<CheckedFolder> content = CheckTaskFolder(folder, encoder.config());
  entry.info.load_status = content.ok() ? CheckServable(*content, encoder) : content.status();
  if (!entry.info.load_status.ok()) return;
  entry.info = Describe(std::move(entry.info), *content);
  content->training.reset();  // what a server needs of it is in the info
  entry.task =
      std::make_shared<const LoadedTask>(entry.info, *std::move(content), std::move(weights));
}

absl::StatusOr<std::shared_ptr<const LoadedTask>> TaskStore::Find(std::string_view name,
                                                                  int version) const {
  const auto found = tasks_.find(name);
  if (found == tasks_.end()) {
    std::vector<std::string> names;
    for (const auto& [known, versions] : tasks_) {
      if (names.size() == kNamesInAnError) break;
      names.push_back(known);
    }
    return absl::NotFoundError(absl::StrCat(
        "no task \"", std::string(name), "\"; ",
        names.empty()
            ? "this server has no tasks"
            : absl::StrCat("known tasks: ", absl::StrJoin(names, ", "),
                           tasks_.size() > names.size() ? ", … (ListTasks has all)" : "")));
  }
  const Versions& versions = found->second;
  auto wanted = versions.find(version);
  if (version == 0) {
    const auto newest = std::find_if(versions.rbegin(), versions.rend(),
                                     [](const auto& v) { return v.second.task != nullptr; });
    wanted = newest == versions.rend() ? versions.begin() : std::prev(newest.base());
  }
  if (wanted == versions.end()) {
    return absl::NotFoundError(absl::StrCat(
        "task \"", std::string(name), "\" has no version ", version, "; it has ",
        absl::StrJoin(versions, ", ",
                      [](std::string* out, const auto& v) { absl::StrAppend(out, v.first); })));
  }
  if (wanted->second.task == nullptr) {
    return absl::FailedPreconditionError(
        absl::StrCat("task \"", std::string(name), "\" version ", wanted->first,
                     " was refused at load: ", wanted->second.info.load_status.message()));
  }
  return wanted->second.task;
}

std::vector<TaskInfo> TaskStore::List() const {
  std::vector<TaskInfo> all;
  for (const auto& [name, versions] : tasks_) {
    for (const auto& [number, version] : versions) all.push_back(version.info);
  }
  return all;
}

}  // namespace fathom
