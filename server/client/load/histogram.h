// LatencyHistogram: counts of durations in buckets whose width grows with them, as HdrHistogram's,
// so that any quantile is known to 1 % at a fixed size.
#pragma once

#include <cstdint>
#include <vector>

namespace fathom {

// Not thread-safe.
class LatencyHistogram {
 public:
  // Below 0 counts as 0.
  void Add(double ms);

  int64_t count() const { return count_; }
  double max_ms() const { return max_ms_; }
  double mean_ms() const;  // 0 if empty

  // The least duration that at least this share (0 … 1) of the counted ones do not exceed, at most
  // 0.8 % or 1 µs too large; 0 if empty.
  double QuantileMs(double share) const;

 private:
  std::vector<int64_t> buckets_;  // grows to the largest that is counted
  int64_t count_ = 0;
  double sum_ms_ = 0;
  double max_ms_ = 0;
};

}  // namespace fathom
