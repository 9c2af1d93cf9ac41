#include "server/client/load/histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace fathom {
namespace {

// A bucket a microsecond below 2^8; above, 2^7 buckets for each power of two.
constexpr int kMantissaBits = 7;
constexpr uint64_t kExact = uint64_t{2} << kMantissaBits;
constexpr uint64_t kPerPower = uint64_t{1} << kMantissaBits;

size_t BucketOf(uint64_t us) {
  if (us < kExact) return us;
  const int shift = static_cast<int>(std::bit_width(us)) - 1 - kMantissaBits;
  return kExact + static_cast<uint64_t>(shift - 1) * kPerPower + ((us >> shift) - kPerPower);
}

// The largest number of microseconds in a bucket.
uint64_t LargestIn(size_t bucket) {
  if (bucket < kExact) return bucket;
  const uint64_t above = bucket - kExact;
  const uint64_t shift = above / kPerPower + 1;
  return ((above % kPerPower + kPerPower + 1) << shift) - 1;
}

}  // namespace

void LatencyHistogram::Add(double ms) {
  ms = std::max(0.0, ms);
  const size_t bucket = BucketOf(static_cast<uint64_t>(std::llround(ms * 1000)));
  if (bucket >= buckets_.size()) buckets_.resize(bucket + 1);
  ++buckets_[bucket];
  ++count_;
  sum_ms_ += ms;
  max_ms_ = std::max(max_ms_, ms);
}

double LatencyHistogram::mean_ms() const {
  return count_ == 0 ? 0 : sum_ms_ / static_cast<double>(count_);
}

double LatencyHistogram::QuantileMs(double share) const {
  const double wanted = std::max(1.0, std::ceil(share * static_cast<double>(count_)));
  int64_t seen = 0;
  for (size_t bucket = 0; bucket < buckets_.size(); ++bucket) {
    seen += buckets_[bucket];
    if (static_cast<double>(seen) >= wanted) {
      return std::min(max_ms_, static_cast<double>(LargestIn(bucket)) / 1000);
    }
  }
  return max_ms_;
}

}  // namespace fathom
