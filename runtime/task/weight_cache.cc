#include "runtime/task/weight_cache.h"

#include <iterator>
#include <utility>

namespace fathom {

absl::StatusOr<WeightCache::Weights> WeightCache::Pin(uint64_t id, int64_t bytes, Pack pack) {
  Entries dropped;  // freed without the lock
  std::unique_lock lock(mutex_);
  auto found = index_.find(id);
  while (found != index_.end() && found->second->weights == nullptr) {
    packed_.wait(lock);
    found = index_.find(id);  // gone if the other thread failed: then this one tries
  }
  if (found != index_.end()) {
    counts_.hits += 1;
    by_use_.splice(by_use_.begin(), by_use_, found->second);
    Weights weights = found->second->weights;
    DropUnused(dropped);
    return weights;
  }

  counts_.misses += 1;
  counts_.bytes += bytes;
  by_use_.push_front({.id = id, .bytes = bytes});
  const auto entry = by_use_.begin();  // stays: an entry that is being packed is in use
  index_.emplace(id, entry);
  DropUnused(dropped);
  lock.unlock();
  dropped.clear();  // before the new weights take memory
  absl::StatusOr<Weights> weights = pack();

  lock.lock();
  if (weights.ok()) {
    entry->weights = *weights;
  } else {
    Remove(entry, dropped);
  }
  packed_.notify_all();
  return weights;
}

void WeightCache::Forget(uint64_t id) {
  Entries dropped;  // freed without the lock
  const std::lock_guard lock(mutex_);
  const auto found = index_.find(id);
  if (found == index_.end()) return;
  found->second->forgotten = true;
  by_use_.splice(by_use_.end(), by_use_, found->second);
  DropUnused(dropped);
}

CacheCounts WeightCache::counts() const {
  const std::lock_guard lock(mutex_);
  CacheCounts counts = counts_;
  counts.entries = static_cast<int64_t>(by_use_.size());
  return counts;
}

// The forgotten, and the least recently used until the rest fits.
void WeightCache::DropUnused(Entries& dropped) {
  for (auto next = by_use_.end(); next != by_use_.begin();) {
    const auto entry = std::prev(next);
    if (!entry->forgotten && counts_.bytes <= max_bytes_) return;
    // Only Pin gives out weights, under this lock: what nobody else holds stays so.
    if (entry->in_use()) {
      next = entry;
      continue;
    }
    if (!entry->forgotten) counts_.evictions += 1;
    Remove(entry, dropped);
  }
}

void WeightCache::Remove(Entries::iterator entry, Entries& removed) {
  counts_.bytes -= entry->bytes;
  index_.erase(entry->id);
  removed.splice(removed.end(), by_use_, entry);
}

}  // namespace fathom
