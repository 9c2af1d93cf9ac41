// TaskStore: the tasks of a folder, loaded once. Each sub-folder is a task: an AdapterHub folder,
// or numbered version folders (1/, 2/, …) that hold one each. A broken task is kept with its reason
// and does not disturb the others.
//
// Immutable after Load; any thread.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "runtime/engine.h"
#include "runtime/model/encoder.h"
#include "runtime/task/adapter.h"

namespace fathom {

// A task whose tensors are in memory.
class LoadedTask : public ServableTask {
 public:
  LoadedTask(TaskInfo info, Adapter adapter, Head head);

  // Of this loaded version; no other ever has it.
  uint64_t id() const { return id_; }

  const Adapter& adapter() const { return adapter_; }
  const Head& head() const { return head_; }

 private:
  const uint64_t id_;
  const Adapter adapter_;
  const Head head_;
};

class TaskStore {
 public:
  // An empty folder name gives an empty store. NOT_FOUND if the folder itself does not exist.
  static absl::StatusOr<TaskStore> Load(const std::string& folder, const Encoder& encoder);

  // version 0: the default one, the highest that was loaded. NOT_FOUND names what is there;
  // FAILED_PRECONDITION if the version was refused at load, with the reason.
  absl::StatusOr<std::shared_ptr<const LoadedTask>> Find(std::string_view name, int version) const;

  // All versions of all tasks, also the refused; by name, then version.
  std::vector<TaskInfo> List() const;

 private:
  struct Version {
    TaskInfo info;
    std::shared_ptr<const LoadedTask> task;  // null: refused, see info.load_status
  };
  using Versions = std::map<int, Version>;

  void AddVersion(const std::string& name, int version, const std::string& folder,
                  const Encoder& encoder);

  std::map<std::string, Versions, std::less<>> tasks_;
};

}  // namespace fathom
