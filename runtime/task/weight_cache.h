// WeightCache: packed weights of tasks in memory, at most so many bytes of them; those used least
// recently go first. Weights that somebody holds are never dropped: they stay counted, and where
// they alone are more than the limit, the limit is overrun until they are let go of.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <unordered_map>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "runtime/cache/counts.h"

namespace fathom {

struct TaskWeights;  // runtime/task/loaded_task.h; opaque here, so that the cache knows no Torch

// Any thread.
class WeightCache {
 public:
  using Weights = std::shared_ptr<const TaskWeights>;  // in use as long as somebody holds it
  using Pack = absl::FunctionRef<absl::StatusOr<Weights>()>;

  // max_bytes <= 0 keeps nothing but what is in use.
  explicit WeightCache(int64_t max_bytes) : max_bytes_(max_bytes) {}

  // The weights of `id`, of `bytes` bytes. If they are not here, room is made and `pack` is called,
  // without a lock and never twice at a time for one id: other threads that want the same weights
  // wait, all others go on. `pack` must not throw. What it returns in place of weights is returned,
  // and nothing is kept.
  absl::StatusOr<Weights> Pin(uint64_t id, int64_t bytes, Pack pack);

  // The id is not used any more: drops its weights, or, if they are in use, drops them first of
  // all when they are not. REQUIRES: nobody is in Pin with this id.
  void Forget(uint64_t id);

  // misses: packings. bytes: of all weights here and of those being packed; above max_bytes() where
  // all of them are in use, or were until now: the next Pin drops what it can.
  CacheCounts counts() const;

  int64_t max_bytes() const { return max_bytes_; }

 private:
  struct Entry {
    uint64_t id = 0;
    int64_t bytes = 0;
    Weights weights;  // null: being packed
    bool forgotten = false;

    bool in_use() const { return weights == nullptr || weights.use_count() > 1; }
  };
  using Entries = std::list<Entry>;

  void DropUnused(Entries& dropped);
  void Remove(Entries::iterator entry, Entries& removed);

  const int64_t max_bytes_;
  mutable std::mutex mutex_;
  std::condition_variable packed_;
  // All below is guarded by mutex_.
  Entries by_use_;  // used last, first; forgotten ones at the end
  std::unordered_map<uint64_t, Entries::iterator> index_;
  CacheCounts counts_;  // but entries
};

}  // namespace fathom
