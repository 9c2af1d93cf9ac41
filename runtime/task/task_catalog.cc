#include "runtime/task/task_catalog.h"

#include <algorithm>
#include <optional>
#include <set>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace fathom {
namespace {

constexpr std::chrono::milliseconds kBetweenRenames{20};

std::string NameOf(const SeenVersion& seen) {
  return absl::StrCat("task \"", seen.name, "\" version ", seen.version);
}

// Whether reading the same files again may end otherwise.
bool MayPass(const absl::Status& refused) {
  return absl::IsPermissionDenied(refused) || absl::IsResourceExhausted(refused) ||
         absl::IsUnavailable(refused) || absl::IsInternal(refused);
}

absl::Status Refusal(const SeenVersion& seen, const absl::Status& why, bool old_goes_on) {
  return absl::FailedPreconditionError(
      absl::StrCat(NameOf(seen), " is refused: ", why.message(),
                   old_goes_on ? "; what was loaded goes on" : ""));
}

const TaskSlot* SlotOf(const TaskSnapshot& snapshot, const std::string& name, int version) {
  const auto task = snapshot.tasks().find(name);
  if (task == snapshot.tasks().end()) return nullptr;
  const auto slot = task->second->slots.find(version);
  return slot == task->second->slots.end() ? nullptr : &slot->second;
}

bool IsServed(const TaskSnapshot& snapshot, const std::string& name, int version) {
  const TaskSlot* slot = SlotOf(snapshot, name, version);
  return slot != nullptr && slot->task != nullptr;
}

}  // namespace

CatalogClock SystemClock() {
  using std::chrono::nanoseconds;
  return {.wall_ns =
              [] {
                return std::chrono::duration_cast<nanoseconds>(
                           std::chrono::system_clock::now().time_since_epoch())
                    .count();
              },
          .steady_ns =
              [] {
                return std::chrono::duration_cast<nanoseconds>(
                           std::chrono::steady_clock::now().time_since_epoch())
                    .count();
              }};
}

TaskCatalog::TaskCatalog(std::string folder, TaskLoader loader, CatalogOptions options)
    : folder_(std::move(folder)), loader_(std::move(loader)), options_(std::move(options)) {}

absl::StatusOr<std::unique_ptr<TaskCatalog>> TaskCatalog::Open(std::string folder,
                                                               TaskLoader loader,
                                                               CatalogOptions options) {
  std::unique_ptr<TaskCatalog> catalog(
      new TaskCatalog(std::move(folder), std::move(loader), std::move(options)));
  if (catalog->folder_.empty()) return catalog;
  const absl::StatusOr<std::vector<SeenVersion>> seen = LookAtTasks(catalog->folder_);
  if (!seen.ok()) {
    return absl::Status(seen.status().code(),
                        absl::StrCat("the tasks' folder: ", seen.status().message()));
  }
  const std::lock_guard lock(catalog->mutex_);
  ScanReport report;
  std::vector<TaskChange> changes;
  for (const SeenVersion& version : *seen) {
    catalog->ReadChanged(version, WeightReading::kWhenUsed, report, changes);
  }
  catalog->registry_.Apply(changes);
  return catalog;
}

absl::StatusOr<TaskInfo> TaskCatalog::LoadTask(std::string_view name, int version,
                                               const LoadTaskOptions& options) {
  if (absl::Status status = CheckTaskName(name); !status.ok()) return status;
  const std::lock_guard lock(mutex_);
  const absl::StatusOr<SeenVersion> seen = FindFolder(std::string(name), version);
  if (!seen.ok()) return seen.status();
  const auto task = loader_(*seen, WeightReading::kNow);
  const bool served = IsServed(*registry_.snapshot(), seen->name, seen->version);
  if (!IdentifyFolder(seen->path).SameFiles(seen->identity)) {
    return absl::FailedPreconditionError(absl::StrCat(
        NameOf(*seen), ": its files changed while they were read; load it when they are complete"));
  }
  if (options.validate_only) {
    if (!task.ok()) return Refusal(*seen, task.status(), served);
    return (*task)->info();
  }
  known_[{seen->name, seen->version}] = {.identity = seen->identity, .refused = task.status()};
  TaskChange change{.name = seen->name, .version = seen->version};
  if (!task.ok()) {
    change.refused = task.status();
    registry_.Apply({&change, 1});
    return Refusal(*seen, task.status(), served);
  }
  change.task = *task;
  change.make_default = options.make_default;
  registry_.Apply({&change, 1});
  return (*task)->info();
}

absl::Status TaskCatalog::UnloadTask(std::string_view name, int version) {
  if (absl::Status status = CheckTaskName(name); !status.ok()) return status;
  const std::lock_guard lock(mutex_);
  const std::shared_ptr<const TaskSnapshot> snapshot = registry_.snapshot();
  const auto found = snapshot->tasks().find(name);
  std::vector<TaskChange> changes;
  if (found != snapshot->tasks().end()) {
    for (const auto& [number, slot] : found->second->slots) {
      if (version == 0 || version == number) {
        changes.push_back({.name = found->first, .version = number});
      }
    }
  }
  if (changes.empty()) {
    // The registry says best what there is instead.
    const absl::Status status = snapshot->Find(name, version).status();
    return status.ok() ? absl::InternalError("a task without versions") : status;
  }
  for (const SeenVersion& seen : LookAtTask(folder_, found->first)) {
    if (version != 0 && version != seen.version) continue;
    known_[{seen.name, seen.version}] = {.identity = seen.identity};
  }
  registry_.Apply(changes);
  return absl::OkStatus();
}

absl::Status TaskCatalog::SetDefaultVersion(std::string_view name, int version) {
  if (absl::Status status = CheckTaskName(name); !status.ok()) return status;
  return registry_.SetDefaultVersion(name, version);
}

absl::StatusOr<ScanReport> TaskCatalog::ScanTasks() {
  const std::lock_guard lock(mutex_);
  ScanReport report;
  if (folder_.empty()) return report;
  const absl::StatusOr<std::vector<SeenVersion>> seen = LookAtTasks(folder_);
  if (!seen.ok()) return seen.status();
  std::vector<TaskChange> changes;
  for (const SeenVersion& version : *seen) {
    if (IsDue(version)) ReadChanged(version, WeightReading::kNow, report, changes);
  }
  ForgetMissing(*seen, report, changes);
  registry_.Apply(changes);
  return report;
}

absl::StatusOr<SeenVersion> TaskCatalog::FindFolder(const std::string& name, int version) const {
  const std::vector<SeenVersion> seen =
      folder_.empty() ? std::vector<SeenVersion>() : LookAtTask(folder_, name);
  if (seen.empty()) {
    return absl::NotFoundError(absl::StrCat("the server's tasks' folder has no \"", name, "\""));
  }
  if (version == 0) return seen.back();
  for (const SeenVersion& candidate : seen) {
    if (candidate.version == version) return candidate;
  }
  return absl::NotFoundError(
      absl::StrCat("the folder of task \"", name, "\" has no version ", version, "; it has ",
                   absl::StrJoin(seen, ", ", [](std::string* out, const SeenVersion& s) {
                     absl::StrAppend(out, s.version);
                   })));
}

// Whether a scan has to read the version: its files are not those that were read last, and quiet.
bool TaskCatalog::IsDue(const SeenVersion& seen) {
  const auto [found, is_new] = known_.try_emplace({seen.name, seen.version});
  Known& known = found->second;
  if (!is_new && seen.identity.SameFiles(known.identity)) {
    known.waiting_since_ns = 0;
    return MayPass(known.refused);
  }
  if (IsQuiet(seen.identity, known)) return true;
  if (known.waiting_since_ns == 0 || !seen.identity.SameFiles(known.waiting)) {
    known.waiting = seen.identity;
    known.waiting_since_ns = options_.clock.steady_ns();
  }
  return false;
}

bool TaskCatalog::IsQuiet(const FolderIdentity& identity, const Known& known) const {
  const int64_t settle = options_.settle.count();
  if (options_.clock.wall_ns() - identity.newest_ns >= settle) return true;
  return known.waiting_since_ns != 0 && identity.SameFiles(known.waiting) &&
         options_.clock.steady_ns() - known.waiting_since_ns >= settle;
}

void TaskCatalog::ReadChanged(const SeenVersion& seen, WeightReading reading, ScanReport& report,
                              std::vector<TaskChange>& changes) {
  const auto task = loader_(seen, reading);
  Known& known = known_[{seen.name, seen.version}];
  if (const FolderIdentity now = IdentifyFolder(seen.path); !now.SameFiles(seen.identity)) {
    known.waiting = now;
    known.waiting_since_ns = options_.clock.steady_ns();
    return;
  }
  const bool as_before =
      !task.ok() && seen.identity.SameFiles(known.identity) && known.refused == task.status();
  known = {.identity = seen.identity, .refused = task.status()};
  if (as_before) return;
  if (task.ok()) {
    report.loaded.push_back({.name = seen.name, .version = seen.version});
    changes.push_back({.name = seen.name, .version = seen.version, .task = *task});
  } else {
    report.refused.push_back(
        {.name = seen.name, .version = seen.version, .load_status = task.status()});
    changes.push_back({.name = seen.name, .version = seen.version, .refused = task.status()});
  }
}

// Unloads what was known and is not in `seen`, nor in the folder a moment later.
void TaskCatalog::ForgetMissing(const std::vector<SeenVersion>& seen, ScanReport& report,
                                std::vector<TaskChange>& changes) {
  std::set<Key> missing;
  for (const auto& [key, known] : known_) missing.insert(missing.end(), key);
  for (const SeenVersion& version : seen) missing.erase({version.name, version.version});
  if (missing.empty()) return;
  std::this_thread::sleep_for(kBetweenRenames);
  const std::shared_ptr<const TaskSnapshot> snapshot = registry_.snapshot();
  for (const Key& key : missing) {
    const auto& [name, version] = key;
    const std::vector<SeenVersion> again = LookAtTask(folder_, name);
    if (std::any_of(again.begin(), again.end(),
                    [&](const SeenVersion& s) { return s.version == key.second; })) {
      continue;
    }
    known_.erase(key);
    if (SlotOf(*snapshot, name, version) == nullptr) continue;  // unloaded, or never taken
    if (IsServed(*snapshot, name, version)) {
      report.unloaded.push_back({.name = name, .version = version});
    }
    changes.push_back({.name = name, .version = version});
  }
}

}  // namespace fathom
