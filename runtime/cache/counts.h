// CacheCounts: what a cache did and holds. Plain values.
#pragma once

#include <cstdint>

namespace fathom {

// Since the start, where nothing else is said.
struct CacheCounts {
  int64_t hits = 0;  // look-ups that found a usable entry
  int64_t misses = 0;
  int64_t evictions = 0;  // entries dropped to make room; Clear does not count
  int64_t refused = 0;    // entries too large to be kept
  int64_t entries = 0;    // now
  int64_t bytes = 0;      // now, keys and bookkeeping included

  bool operator==(const CacheCounts&) const = default;
};

}  // namespace fathom
