// SightingTable: roughly how often each text was looked up, in fixed memory. Any thread.
#pragma once

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace fathom {

// Each hash has one slot. A hash whose slot another one took since starts again at one, and two
// that meet at the same moment may lose a count: both only delay what counts decide.
class SightingTable {
 public:
  static constexpr int kMostSightings = 255;  // the count stays there

  explicit SightingTable(int64_t max_bytes)
      : slots_(std::bit_floor(static_cast<size_t>(
            std::max<int64_t>(max_bytes / static_cast<int64_t>(sizeof(Slot)), 1)))) {}

  // Counts this sighting and returns how many there were with it.
  int Count(size_t hash) {
    Slot& slot = slots_[hash & (slots_.size() - 1)];
    const uint64_t tag = static_cast<uint64_t>(hash) & ~kCountMask;
    const uint64_t old = slot.load(std::memory_order_relaxed);
    uint64_t count = (old & ~kCountMask) == tag ? old & kCountMask : 0;
    count = std::min<uint64_t>(count + 1, kMostSightings);
    slot.store(tag | count, std::memory_order_relaxed);
    return static_cast<int>(count);
  }

  void Clear() {
    for (Slot& slot : slots_) slot.store(0, std::memory_order_relaxed);
  }

  int64_t bytes() const { return static_cast<int64_t>(slots_.size() * sizeof(Slot)); }

 private:
  using Slot = std::atomic<uint64_t>;  // the upper 56 bits of the hash, then the count

  static constexpr uint64_t kCountMask = 0xff;

  std::vector<Slot> slots_;
};

}  // namespace fathom
