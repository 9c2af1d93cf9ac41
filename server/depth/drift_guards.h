// DriftGuards: the drift guards and shadow samplers of the loaded task versions.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "runtime/depth/drift_guard.h"
#include "runtime/depth/shadow_sampler.h"
#include "runtime/engine.h"

namespace fathom {

// How the answers of one version agree with those at n = 0.
struct TaskAgreement {
  std::string task;
  int version = 0;
  bool tripped = false;
  std::vector<DriftGuard::Agreement> depths;  // by n, where compared
};

// Thread-safe. A version that is loaded anew starts anew; one that is gone is forgotten.
class DriftGuards {
 public:
  // Whether the task's automatic n is held at its default.
  bool Tripped(const ServableTask& task) const;

  // Which of the next `answers` at n are to be compared, by rising index: one of every 1 / ratio
  // that the guard watches.
  std::vector<size_t> TakeShadows(const std::shared_ptr<const ServableTask>& task, int skip_layers,
                                  double ratio, size_t answers);

  // What a comparison gave, 0 … 1. Ignored for a version that is gone.
  void Add(const ServableTask& task, int skip_layers, double agreement);

  // Of all versions of a task: lets n rise again.
  void Reset(const std::string& task);

  std::vector<TaskAgreement> report() const;

 private:
  struct Watched {
    std::weak_ptr<const ServableTask> task;
    DriftGuard guard;
    ShadowSampler sampler;
  };
  using Key = std::pair<std::string, int>;  // name, version

  // Of this very version, not of one that was loaded in its place; null: not watched.
  template <typename Map>
  static auto FindIn(Map& watched, const ServableTask& task) -> decltype(&watched.begin()->second) {
    const auto found = watched.find({task.info().name, task.info().version});
    if (found == watched.end() || found->second.task.lock().get() != &task) return nullptr;
    return &found->second;
  }
  // REQUIRES: mutex_ held.
  Watched& FindOrAdd(const std::shared_ptr<const ServableTask>& task);

  mutable std::mutex mutex_;  // guards what follows
  std::map<Key, Watched> watched_;
};

}  // namespace fathom
