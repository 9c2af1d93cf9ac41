// TaskRegistry: which versions of which tasks are served now, as a row of immutable snapshots. A
// reader takes the newest one and is never disturbed; a change makes the next one and publishes it
// in one step. Knows no files, no Torch.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "runtime/engine.h"

namespace fathom {

// One version as a snapshot has it; at least one of the two is there.
struct TaskSlot {
  std::shared_ptr<const ServableTask> task;  // null: nothing to serve
  // Why its files, as they stood last, were refused. Beside a task: that one goes on.
  std::optional<absl::Status> refused;
};

// The versions of one task.
struct TaskVersions {
  std::map<int, TaskSlot> slots;
  int default_version = 0;  // 0: the highest that can be served

  // Null: none can be served.
  const ServableTask* Default() const;
};

// Immutable.
class TaskSnapshot {
 public:
  using Tasks = std::map<std::string, std::shared_ptr<const TaskVersions>, std::less<>>;

  TaskSnapshot() = default;
  explicit TaskSnapshot(Tasks tasks);

  // As Engine::FindTask. FAILED_PRECONDITION if the version was refused, with the reason.
  absl::StatusOr<std::shared_ptr<const ServableTask>> Find(std::string_view name,
                                                           int version) const;
  // As Engine::ListTasks. A version that is served while its newer files were refused has two
  // entries, what is served first.
  std::vector<TaskInfo> List() const;

  const Tasks& tasks() const { return tasks_; }
  int64_t served() const { return served_; }    // versions
  int64_t refused() const { return refused_; }  // versions

 private:
  Tasks tasks_;
  int64_t served_ = 0;
  int64_t refused_ = 0;
};

// What happened to one version.
struct TaskChange {
  std::string name;
  int version = 0;
  // What to serve from now on, or why the files are refused: then what is served stays. Neither: it
  // is unloaded, and not listed any more.
  std::shared_ptr<const ServableTask> task = {};
  std::optional<absl::Status> refused = {};
  bool make_default = false;
};

// Any thread.
class TaskRegistry {
 public:
  TaskRegistry() : snapshot_(std::make_shared<const TaskSnapshot>()) {}

  // The newest one. Whoever holds it keeps all its tasks.
  std::shared_ptr<const TaskSnapshot> snapshot() const;

  // All of them in one step. Changes wait for one another.
  void Apply(absl::Span<const TaskChange> changes);

  // As Engine::SetDefaultVersion. The choice is forgotten when that version is unloaded.
  absl::Status SetDefaultVersion(std::string_view name, int version);

  TaskCounts counts() const;

 private:
  void Publish(TaskSnapshot::Tasks tasks);

  std::mutex writers_;        // held while the next snapshot is made
  mutable std::mutex mutex_;  // guards what follows; held for a copy of a pointer
  std::shared_ptr<const TaskSnapshot> snapshot_;
  int64_t loads_ = 0;
  int64_t load_failures_ = 0;
};

}  // namespace fathom
