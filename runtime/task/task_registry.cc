#include "runtime/task/task_registry.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace fathom {
namespace {

constexpr size_t kNamesInAnError = 10;

absl::Status UnknownTask(std::string_view name, const TaskSnapshot::Tasks& tasks) {
  std::vector<std::string> names;
  for (const auto& [known, versions] : tasks) {
    if (names.size() == kNamesInAnError) break;
    names.push_back(known);
  }
  return absl::NotFoundError(absl::StrCat(
      "no task \"", std::string(name), "\"; ",
      names.empty() ? "this server has no tasks"
                    : absl::StrCat("known tasks: ", absl::StrJoin(names, ", "),
                                   tasks.size() > names.size() ? ", … (ListTasks has all)" : "")));
}

absl::Status UnknownVersion(std::string_view name, int version, const TaskVersions& versions) {
  return absl::NotFoundError(absl::StrCat(
      "task \"", std::string(name), "\" has no version ", version, "; it has ",
      absl::StrJoin(versions.slots, ", ",
                    [](std::string* out, const auto& slot) { absl::StrAppend(out, slot.first); })));
}

absl::Status Refused(std::string_view name, int version, const TaskSlot& slot) {
  return absl::FailedPreconditionError(
      absl::StrCat("task \"", std::string(name), "\" version ", version,
                   " was refused at load: ", slot.refused->message()));
}

// Null: there is nothing left.
std::shared_ptr<const TaskVersions> With(const TaskVersions& old, const TaskChange& change) {
  auto versions = std::make_shared<TaskVersions>(old);
  if (change.task != nullptr) {
    versions->slots[change.version] = {.task = change.task};
    if (change.make_default) versions->default_version = change.version;
  } else if (change.refused) {
    versions->slots[change.version].refused = change.refused;
  } else {
    versions->slots.erase(change.version);
    if (versions->default_version == change.version) versions->default_version = 0;
  }
  return versions->slots.empty() ? nullptr : versions;
}

}  // namespace

const ServableTask* TaskVersions::Default() const {
  if (const auto chosen = slots.find(default_version); chosen != slots.end()) {
    return chosen->second.task.get();
  }
  const auto highest = std::find_if(slots.rbegin(), slots.rend(),
                                    [](const auto& slot) { return slot.second.task != nullptr; });
  return highest == slots.rend() ? nullptr : highest->second.task.get();
}

TaskSnapshot::TaskSnapshot(Tasks tasks) : tasks_(std::move(tasks)) {
  for (const auto& [name, versions] : tasks_) {
    for (const auto& [number, slot] : versions->slots) {
      if (slot.task != nullptr) ++served_;
      if (slot.refused) ++refused_;
    }
  }
}

absl::StatusOr<std::shared_ptr<const ServableTask>> TaskSnapshot::Find(std::string_view name,
                                                                       int version) const {
  const auto found = tasks_.find(name);
  if (found == tasks_.end()) return UnknownTask(name, tasks_);
  const TaskVersions& versions = *found->second;
  if (version == 0) {
    const ServableTask* chosen = versions.Default();
    version = chosen != nullptr ? chosen->info().version : versions.slots.rbegin()->first;
  }
  const auto slot = versions.slots.find(version);
  if (slot == versions.slots.end()) return UnknownVersion(name, version, versions);
  if (slot->second.task == nullptr) return Refused(name, version, slot->second);
  return slot->second.task;
}

std::vector<TaskInfo> TaskSnapshot::List() const {
  std::vector<TaskInfo> all;
  all.reserve(static_cast<size_t>(served_ + refused_));
  for (const auto& [name, versions] : tasks_) {
    for (const auto& [number, slot] : versions->slots) {
      if (slot.task != nullptr) all.push_back(slot.task->info());
      if (slot.refused) {
        all.push_back({.name = name, .version = number, .load_status = *slot.refused});
      }
    }
  }
  return all;
}

std::shared_ptr<const TaskSnapshot> TaskRegistry::snapshot() const {
  const std::lock_guard lock(mutex_);
  return snapshot_;
}

void TaskRegistry::Apply(absl::Span<const TaskChange> changes) {
  if (changes.empty()) return;
  const std::lock_guard writing(writers_);
  TaskSnapshot::Tasks tasks = snapshot()->tasks();
  int64_t loads = 0;
  int64_t failures = 0;
  for (const TaskChange& change : changes) {
    const auto found = tasks.find(change.name);
    auto versions = With(found == tasks.end() ? TaskVersions() : *found->second, change);
    if (versions != nullptr) {
      tasks.insert_or_assign(change.name, std::move(versions));
    } else if (found != tasks.end()) {
      tasks.erase(found);
    }
    if (change.task != nullptr) ++loads;
    if (change.task == nullptr && change.refused) ++failures;
  }
  Publish(std::move(tasks));
  const std::lock_guard lock(mutex_);
  loads_ += loads;
  load_failures_ += failures;
}

absl::Status TaskRegistry::SetDefaultVersion(std::string_view name, int version) {
  const std::lock_guard writing(writers_);
  TaskSnapshot::Tasks tasks = snapshot()->tasks();
  const auto found = tasks.find(name);
  if (found == tasks.end()) return UnknownTask(name, tasks);
  auto versions = std::make_shared<TaskVersions>(*found->second);
  if (version != 0) {
    const auto slot = versions->slots.find(version);
    if (slot == versions->slots.end()) return UnknownVersion(name, version, *versions);
    if (slot->second.task == nullptr) return Refused(name, version, slot->second);
  }
  versions->default_version = version;
  found->second = std::move(versions);
  Publish(std::move(tasks));
  return absl::OkStatus();
}

TaskCounts TaskRegistry::counts() const {
  const std::lock_guard lock(mutex_);
  return {.loaded = snapshot_->served(),
          .refused = snapshot_->refused(),
          .loads = loads_,
          .load_failures = load_failures_};
}

void TaskRegistry::Publish(TaskSnapshot::Tasks tasks) {
  auto next = std::make_shared<const TaskSnapshot>(std::move(tasks));
  std::shared_ptr<const TaskSnapshot> old;  // freed without the lock
  const std::lock_guard lock(mutex_);
  old = std::exchange(snapshot_, std::move(next));
}

}  // namespace fathom
