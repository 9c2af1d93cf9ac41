#include "tests/server/fake_tasks.h"

#include <memory>
#include <vector>

#include "absl/strings/str_cat.h"
#include "runtime/task/task_folder.h"

namespace fathom {
namespace {

TaskChange ChangeOf(const TaskInfo& info) {
  TaskChange change{.name = info.name, .version = info.version};
  if (info.load_status.ok()) {
    change.task = std::make_shared<const ServableTask>(info);
  } else {
    change.refused = info.load_status;
  }
  return change;
}

}  // namespace

void FakeTasks::Write(TaskInfo info) {
  const std::lock_guard lock(mutex_);
  const Key key(info.name, info.version);
  folder_[key] = std::move(info);
  changed_.insert(key);
}

void FakeTasks::Remove(const std::string& name, int version) {
  const std::lock_guard lock(mutex_);
  folder_.erase({name, version});
  changed_.insert({name, version});
}

absl::StatusOr<TaskInfo> FakeTasks::Load(std::string_view name, int version,
                                         const LoadTaskOptions& options) {
  if (absl::Status status = CheckTaskName(name); !status.ok()) return status;
  const std::lock_guard lock(mutex_);
  const TaskInfo* found = nullptr;
  for (const auto& [key, info] : folder_) {
    if (key.first == name && (version == 0 || version == key.second)) found = &info;
  }
  if (found == nullptr) return absl::NotFoundError(absl::StrCat("no folder ", std::string(name)));
  if (!options.validate_only) {
    TaskChange change = ChangeOf(*found);
    change.make_default = options.make_default;
    registry_.Apply({&change, 1});
    changed_.erase({found->name, found->version});
  }
  if (found->load_status.ok()) return *found;
  return absl::FailedPreconditionError(found->load_status.message());
}

absl::Status FakeTasks::Unload(std::string_view name, int version) {
  const std::lock_guard lock(mutex_);
  const auto snapshot = registry_.snapshot();
  std::vector<TaskChange> changes;
  if (const auto task = snapshot->tasks().find(name); task != snapshot->tasks().end()) {
    for (const auto& [number, slot] : task->second->slots) {
      if (version != 0 && version != number) continue;
      changes.push_back({.name = task->first, .version = number});
      changed_.erase({task->first, number});
    }
  }
  registry_.Apply(changes);
  return changes.empty() ? absl::NotFoundError(absl::StrCat("no task ", std::string(name)))
                         : absl::OkStatus();
}

absl::StatusOr<ScanReport> FakeTasks::Scan() {
  const std::lock_guard lock(mutex_);
  ScanReport report;
  std::vector<TaskChange> changes;
  for (const Key& key : changed_) {
    const TaskVersion version{.name = key.first, .version = key.second};
    const auto found = folder_.find(key);
    if (found == folder_.end()) {
      if (registry_.snapshot()->Find(key.first, key.second).ok())
        report.unloaded.push_back(version);
      changes.push_back({.name = key.first, .version = key.second});
      continue;
    }
    changes.push_back(ChangeOf(found->second));
    if (found->second.load_status.ok()) {
      report.loaded.push_back(version);
    } else {
      report.refused.push_back(found->second);
    }
  }
  changed_.clear();
  registry_.Apply(changes);
  return report;
}

}  // namespace fathom
