// TaskStore: the tasks of a folder, loaded once. Each sub-folder is a task: an AdapterHub folder,
// or numbered version folders (1/, 2/, …) that hold one each. A broken task is kept with its reason
// and does not disturb the others.
//
// Loading reads configs and the headers of weight files; weights are read by the passes that use
// them, see LoadedTask. Ten thousand tasks load in seconds and take a few kilobytes each.
//
// Immutable after Load; any thread.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "runtime/engine.h"
#include "runtime/model/encoder.h"
#include "runtime/task/loaded_task.h"
#include "runtime/task/weight_cache.h"

namespace fathom {

class TaskStore {
 public:
  // An empty folder name gives an empty store. NOT_FOUND if the folder itself does not exist.
  // `weights` keeps the weights of all tasks.
  static absl::StatusOr<TaskStore> Load(const std::string& folder, const Encoder& encoder,
                                        std::shared_ptr<WeightCache> weights);

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
                  const Encoder& encoder, std::shared_ptr<WeightCache> weights);

  std::map<std::string, Versions, std::less<>> tasks_;
};

}  // namespace fathom
