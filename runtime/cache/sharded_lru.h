// ShardedLru: a map that holds at most so many bytes and drops its least recently used entries
// first. Any thread: it is cut into shards with a lock and an equal share of the bytes each.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <list>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "runtime/cache/counts.h"

namespace fathom {

// Key and Value have `int64_t bytes() const`: what they hold outside themselves. A value is copied
// out, so it should be cheap to copy. Hash and Equal take what looks a Key up: Hash(Lookup),
// Equal(Key, Lookup); a Key is made from a Lookup.
template <typename Key, typename Value, typename Hash, typename Equal>
class ShardedLru {
 public:
  // 16 shards, or as many as leave each at least `min_shard_bytes`. max_bytes <= 0 keeps nothing.
  ShardedLru(int64_t max_bytes, int64_t min_shard_bytes, Hash hash = Hash(), Equal equal = Equal())
      : hash_(hash),
        equal_(equal),
        shards_(static_cast<size_t>(
            std::clamp<int64_t>(std::max<int64_t>(max_bytes, 0) / min_shard_bytes, 1, kMaxShards))),
        shard_bytes_(max_bytes / static_cast<int64_t>(shards_.size())) {}

  // Marks the entry used.
  template <typename Lookup>
  std::optional<Value> Find(const Lookup& lookup) {
    const size_t hash = hash_(lookup);
    Shard& shard = ShardOf(hash);
    const std::lock_guard lock(shard.mutex);
    const auto found = shard.index.find(Probe<Lookup>{hash, lookup, equal_});
    if (found == shard.index.end()) return std::nullopt;
    shard.by_use.splice(shard.by_use.begin(), shard.by_use, *found);
    return (*found)->value;
  }

  // The same, and nothing is marked.
  template <typename Lookup>
  std::optional<Value> Peek(const Lookup& lookup) const {
    const size_t hash = hash_(lookup);
    const Shard& shard = ShardOf(hash);
    const std::lock_guard lock(shard.mutex);
    const auto found = shard.index.find(Probe<Lookup>{hash, lookup, equal_});
    if (found == shard.index.end()) return std::nullopt;
    return (*found)->value;
  }

  template <typename Lookup>
  bool Contains(const Lookup& lookup) const {
    const size_t hash = hash_(lookup);
    const Shard& shard = ShardOf(hash);
    const std::lock_guard lock(shard.mutex);
    return shard.index.contains(Probe<Lookup>{hash, lookup, equal_});
  }

  // Puts make(const Value* old, int64_t room) at the key, as the entry used last: `old` is the
  // key's value or null, `room` the most bytes that the new one may have. A value over that is
  // refused: nothing changes and nothing is dropped. `make` runs under a lock.
  template <typename Lookup, typename Make>
  void Put(const Lookup& lookup, Make make) {
    const size_t hash = hash_(lookup);
    std::list<Entry> dropped;  // freed without the lock
    std::list<Entry> added;
    added.push_front({.hash = hash, .key = Key(lookup)});
    Entry& entry = added.front();
    const int64_t own_bytes = kBookkeeping + entry.key.bytes();

    Shard& shard = ShardOf(hash);
    const std::lock_guard lock(shard.mutex);
    const auto old = shard.index.find(Probe<Lookup>{hash, lookup, equal_});
    const bool known = old != shard.index.end();
    entry.value = make(known ? &(*old)->value : nullptr, shard_bytes_ - own_bytes);
    entry.bytes = own_bytes + entry.value.bytes();
    if (entry.bytes > shard_bytes_) {
      shard.refused += 1;
      return;
    }
    if (known) shard.Remove(*old, dropped);
    while (shard.bytes + entry.bytes > shard_bytes_) {
      shard.Remove(std::prev(shard.by_use.end()), dropped);
      shard.evictions += 1;
    }
    shard.bytes += entry.bytes;
    shard.by_use.splice(shard.by_use.begin(), added);
    shard.index.insert(shard.by_use.begin());
  }

  void Clear() {
    for (Shard& shard : shards_) {
      std::list<Entry> dropped;
      const std::lock_guard lock(shard.mutex);
      shard.index.clear();
      shard.by_use.swap(dropped);
      shard.bytes = 0;
    }
  }

  // Without hits and misses: whether what was found is a hit is for the caller to say.
  CacheCounts counts() const {
    CacheCounts counts;
    for (const Shard& shard : shards_) {
      const std::lock_guard lock(shard.mutex);
      counts.evictions += shard.evictions;
      counts.refused += shard.refused;
      counts.entries += static_cast<int64_t>(shard.by_use.size());
      counts.bytes += shard.bytes;
    }
    return counts;
  }

  size_t shards() const { return shards_.size(); }
  int64_t shard_bytes() const { return shard_bytes_; }

 private:
  static constexpr int64_t kMaxShards = 16;

  struct Entry {
    size_t hash = 0;
    Key key;
    Value value = {};
    int64_t bytes = 0;
  };
  using Position = typename std::list<Entry>::iterator;

  // An entry, the two links of its list node and its part of the index, whose table is at least
  // 7/16 full after it grew.
  static constexpr int64_t kBookkeeping =
      sizeof(Entry) + 2 * sizeof(void*) + (sizeof(Position) + 1) * 16 / 7;

  template <typename Lookup>
  struct Probe {
    size_t hash;
    const Lookup& lookup;
    const Equal& equal;
  };
  struct IndexHash {
    using is_transparent = void;
    size_t operator()(Position position) const { return position->hash; }
    template <typename Lookup>
    size_t operator()(const Probe<Lookup>& probe) const {
      return probe.hash;
    }
  };
  struct IndexEqual {
    using is_transparent = void;
    bool operator()(Position a, Position b) const { return a == b; }
    template <typename Lookup>
    bool operator()(Position position, const Probe<Lookup>& probe) const {
      return position->hash == probe.hash && probe.equal(position->key, probe.lookup);
    }
  };

  struct Shard {
    void Remove(Position position, std::list<Entry>& to) {
      bytes -= position->bytes;
      index.erase(position);
      to.splice(to.begin(), by_use, position);
    }

    mutable std::mutex mutex;  // guards what follows
    std::list<Entry> by_use;   // last used first
    absl::flat_hash_set<Position, IndexHash, IndexEqual> index;
    int64_t bytes = 0;
    int64_t evictions = 0;
    int64_t refused = 0;
  };

  // By the upper bits: a shard's index goes by the lower ones.
  size_t ShardIndex(size_t hash) const { return (hash >> 48) % shards_.size(); }
  Shard& ShardOf(size_t hash) { return shards_[ShardIndex(hash)]; }
  const Shard& ShardOf(size_t hash) const { return shards_[ShardIndex(hash)]; }

  const Hash hash_;
  const Equal equal_;
  std::vector<Shard> shards_;
  const int64_t shard_bytes_;
};

}  // namespace fathom
