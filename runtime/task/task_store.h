// TaskStore: the tasks of a folder, loaded for one encoder. A broken task is kept with its reason
// and does not disturb the others.
//
// Loading reads configs and the headers of weight files; weights are read by the passes that use
// them, see LoadedTask, or at once by a load after the start. The weight files stay open as far as
// the process may have files open (see HeldFile): a version that others have replaced by renaming
// is then still read from its own files. Ten thousand tasks load in seconds and take a few
// kilobytes each.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "runtime/engine.h"
#include "runtime/model/encoder.h"
#include "runtime/task/loaded_task.h"
#include "runtime/task/task_catalog.h"
#include "runtime/task/weight_cache.h"

namespace fathom {

// Any thread.
class TaskStore {
 public:
  // An empty folder name gives an empty store. NOT_FOUND if the folder itself does not exist.
  // `weights` keeps the weights of all tasks. `encoder` must outlive the store.
  static absl::StatusOr<TaskStore> Load(const std::string& folder, const Encoder& encoder,
                                        std::shared_ptr<WeightCache> weights,
                                        CatalogOptions options = {});

  // version 0: the default one. NOT_FOUND names what is there; FAILED_PRECONDITION if the version
  // was refused at load, with the reason.
  absl::StatusOr<std::shared_ptr<const LoadedTask>> Find(std::string_view name, int version) const;

  // All versions of all tasks, also the refused; by name, then version.
  std::vector<TaskInfo> List() const { return catalog_->registry().snapshot()->List(); }

  // Loads, unloads and looks at the folder.
  TaskCatalog& catalog() { return *catalog_; }
  const TaskCatalog& catalog() const { return *catalog_; }

 private:
  explicit TaskStore(std::unique_ptr<TaskCatalog> catalog) : catalog_(std::move(catalog)) {}

  std::unique_ptr<TaskCatalog> catalog_;
};

}  // namespace fathom
