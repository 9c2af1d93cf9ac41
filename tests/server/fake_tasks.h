// FakeTasks: the tasks of a FakeEngine, with a map in the place of the folder. What it serves, and
// how it changes, is the real registry's doing.
#pragma once

#include <map>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "runtime/engine.h"
#include "runtime/task/task_registry.h"

namespace fathom {

// Any thread.
class FakeTasks {
 public:
  // Puts a version into the folder, in place of an older one. One whose load_status is not ok will
  // be refused with it.
  void Write(TaskInfo info);
  // Takes it out of the folder.
  void Remove(const std::string& name, int version);

  // As the Engine's.
  absl::StatusOr<TaskInfo> Load(std::string_view name, int version, const LoadTaskOptions& options);
  absl::Status Unload(std::string_view name, int version);
  absl::Status SetDefaultVersion(std::string_view name, int version) {
    return registry_.SetDefaultVersion(name, version);
  }
  absl::StatusOr<ScanReport> Scan();

  const TaskRegistry& registry() const { return registry_; }

 private:
  using Key = std::pair<std::string, int>;  // name, version

  TaskRegistry registry_;
  std::mutex mutex_;  // guards what follows
  std::map<Key, TaskInfo> folder_;
  std::set<Key> changed_;  // since the last look
};

}  // namespace fathom
