// LoadedTask: one version of a task that can be served. What it says of itself is in memory, its
// weights are where a pass asks for them.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "runtime/engine.h"
#include "runtime/task/adapter.h"
#include "runtime/task/format/checked_folder.h"
#include "runtime/task/weight_cache.h"

namespace fathom {

struct TaskWeights {
  Adapter adapter;
  Head head;
  int64_t bytes = 0;  // of all tensors, which are one allocation
};

// Immutable; any thread.
class LoadedTask : public ServableTask {
 public:
  // The weights are read when they are first pinned, and kept by `cache` as long as it has room.
  // REQUIRES: the folder has a head.
  LoadedTask(TaskInfo info, CheckedFolder folder, std::shared_ptr<WeightCache> cache);

  // The weights are given, and stay.
  LoadedTask(TaskInfo info, Adapter adapter, Head head);

  ~LoadedTask() override;

  // Of this loaded version; no other ever has it.
  uint64_t id() const { return id_; }

  const AdapterLayout& layout() const { return layout_; }
  // D as EffectiveWidths; 0: left out.
  int bottleneck(int layer) const { return widths_[static_cast<size_t>(layer)]; }
  int widest_bottleneck() const { return *std::max_element(widths_.begin(), widths_.end()); }
  int head_layers() const { return head_layers_; }  // at least 1
  int classes() const { return classes_; }          // C

  // The weights, which stay in memory as long as the pointer is held. Reads them if they are not
  // there. FAILED_PRECONDITION if that fails, with the reason: the files changed or are damaged.
  absl::StatusOr<std::shared_ptr<const TaskWeights>> Pin() const;

 private:
  const uint64_t id_;
  const std::shared_ptr<WeightCache> cache_;    // null: the weights stay
  const std::optional<CheckedFolder> folder_;   // what to read, with a cache
  std::shared_ptr<const TaskWeights> weights_;  // null with a cache
  AdapterLayout layout_;
  std::vector<int> widths_;  // [L]
  int head_layers_ = 1;
  int classes_ = 1;
};

}  // namespace fathom
