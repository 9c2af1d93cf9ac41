// TaskCatalog: a TaskRegistry that follows the tasks' folder. Loading is a function given to it, so
// that it knows no Torch.
//
// When is a folder taken?
//   - LoadTask takes it as it stands.
//   - A scan takes one that is new or changed when it is quiet: the last change of any file or
//     folder in it (by ctime, which copying programs cannot set back) is `settle` ago, or two scans
//     that are `settle` apart saw the same files, which holds on a clock that jumps too. Until then
//     what was served goes on. So a folder that is being copied is not read half.
//   - A name with a "." at its beginning or ".tmp" at its end is never taken: writing under such a
//     name and renaming needs no waiting to be safe, and is what Fathom's trainer does.
//   - The start takes all.
// A folder whose files change while they are read is left for the next scan. One that is gone is
// looked for again after 20 ms, since a folder that is replaced in two renames is away for a
// moment.
//
// Files that were refused are read again when they change, or at every scan if the reason was not
// in them (no permission, no memory).
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "runtime/engine.h"
#include "runtime/task/task_folder.h"
#include "runtime/task/task_registry.h"

namespace fathom {

enum class WeightReading : uint8_t {
  kWhenUsed,  // only the heads of weight files are looked at: 10,000 tasks load in seconds
  kNow,       // also checked to the last byte, and in memory for the first request
};

// Reads one version from its folder. Called by one thread at a time.
using TaskLoader = std::function<absl::StatusOr<std::shared_ptr<const ServableTask>>(
    const SeenVersion& version, WeightReading reading)>;

struct CatalogClock {
  std::function<int64_t()> wall_ns;    // since the epoch, as file times
  std::function<int64_t()> steady_ns;  // never jumps
};
CatalogClock SystemClock();

struct CatalogOptions {
  std::chrono::nanoseconds settle = std::chrono::seconds(2);
  CatalogClock clock = SystemClock();
};

// Any thread. Readers never wait for a loading; loadings wait for one another.
class TaskCatalog {
 public:
  // Loads all that stands in `folder`; empty: there is none, and no task. An error if it cannot be
  // listed.
  static absl::StatusOr<std::unique_ptr<TaskCatalog>> Open(std::string folder, TaskLoader loader,
                                                           CatalogOptions options = {});

  const TaskRegistry& registry() const { return registry_; }

  // As the Engine's functions of these names.
  absl::StatusOr<TaskInfo> LoadTask(std::string_view name, int version,
                                    const LoadTaskOptions& options);
  absl::Status UnloadTask(std::string_view name, int version);
  absl::Status SetDefaultVersion(std::string_view name, int version);
  absl::StatusOr<ScanReport> ScanTasks();

 private:
  using Key = std::pair<std::string, int>;  // name, version
  // What was last done about a version.
  struct Known {
    FolderIdentity identity;  // of the files that were read, or that were there at the unloading
    absl::Status refused;     // what came of reading them
    FolderIdentity waiting;   // newer files, that have not settled
    int64_t waiting_since_ns = 0;  // steady; 0: none
  };

  TaskCatalog(std::string folder, TaskLoader loader, CatalogOptions options);

  // REQUIRES for all: mutex_ is held.
  absl::StatusOr<SeenVersion> FindFolder(const std::string& name, int version) const;
  bool IsDue(const SeenVersion& seen);
  bool IsQuiet(const FolderIdentity& identity, const Known& known) const;
  absl::StatusOr<std::shared_ptr<const ServableTask>> Read(const SeenVersion& seen,
                                                           WeightReading reading);
  void ReadChanged(const SeenVersion& seen, WeightReading reading, ScanReport& report,
                   std::vector<TaskChange>& changes);
  void ForgetMissing(const std::vector<SeenVersion>& seen, ScanReport& report,
                     std::vector<TaskChange>& changes);

  const std::string folder_;
  const TaskLoader loader_;
  const CatalogOptions options_;
  TaskRegistry registry_;

  std::mutex mutex_;  // one change at a time
  std::map<Key, Known> known_;
};

}  // namespace fathom
