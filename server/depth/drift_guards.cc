#include "server/depth/drift_guards.h"

#include <utility>

namespace fathom {

DriftGuards::Watched& DriftGuards::FindOrAdd(const std::shared_ptr<const ServableTask>& task) {
  if (Watched* watched = FindIn(watched_, *task)) return *watched;
  std::erase_if(watched_, [](const auto& entry) { return entry.second.task.expired(); });
  const TaskInfo& info = task->info();
  Watched fresh{.task = task, .guard = DriftGuard(info.profile.value_or(DepthProfile{}))};
  return watched_.insert_or_assign({info.name, info.version}, std::move(fresh)).first->second;
}

bool DriftGuards::Tripped(const ServableTask& task) const {
  const std::lock_guard lock(mutex_);
  const Watched* watched = FindIn(watched_, task);
  return watched != nullptr && watched->guard.tripped();
}

std::vector<size_t> DriftGuards::TakeShadows(const std::shared_ptr<const ServableTask>& task,
                                             int skip_layers, double ratio, size_t answers) {
  const std::lock_guard lock(mutex_);
  Watched& watched = FindOrAdd(task);
  std::vector<size_t> taken;
  if (!watched.guard.Watches(skip_layers)) return taken;
  for (size_t i = 0; i < answers; ++i) {
    if (watched.sampler.Take(ratio)) taken.push_back(i);
  }
  return taken;
}

void DriftGuards::Add(const ServableTask& task, int skip_layers, double agreement) {
  const std::lock_guard lock(mutex_);
  Watched* watched = FindIn(watched_, task);
  if (watched != nullptr) watched->guard.Add(skip_layers, agreement);
}

void DriftGuards::Reset(const std::string& task) {
  const std::lock_guard lock(mutex_);
  for (auto& [key, watched] : watched_) {
    if (key.first == task) watched.guard.Reset();
  }
}

std::vector<TaskAgreement> DriftGuards::report() const {
  const std::lock_guard lock(mutex_);
  std::vector<TaskAgreement> all;
  for (const auto& [key, watched] : watched_) {
    if (watched.task.expired()) continue;
    all.push_back({.task = key.first,
                   .version = key.second,
                   .tripped = watched.guard.tripped(),
                   .depths = watched.guard.agreements()});
  }
  return all;
}

}  // namespace fathom
