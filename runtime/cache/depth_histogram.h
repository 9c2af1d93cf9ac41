// DepthHistogram: how deep callers ask lately, for the choice of taps. Any thread.
#pragma once

#include <cstddef>
#include <mutex>
#include <vector>

namespace fathom {

class DepthHistogram {
 public:
  // All counts are halved after so many depths, so that what was asked long ago fades.
  static constexpr int kHalvedAfter = 1024;

  // `layers` is L: depths are 0 … L.
  explicit DepthHistogram(int layers) : counts_(static_cast<size_t>(layers) + 1) {}

  void Add(int skip_layers) {
    const std::lock_guard lock(mutex_);
    counts_[static_cast<size_t>(skip_layers)] += 1;
    if (++since_halved_ < kHalvedAfter) return;
    since_halved_ = 0;
    for (double& count : counts_) count /= 2;
  }

  // [L + 1]: P(n >= c) for c = 0 … L, the share of depths that are c or more. All 0 before the
  // first Add.
  void AtLeast(std::vector<double>& shares) const {
    {
      const std::lock_guard lock(mutex_);
      shares = counts_;
    }
    for (size_t c = shares.size() - 1; c > 0; --c) shares[c - 1] += shares[c];
    const double total = shares[0];
    if (total > 0) {
      for (double& share : shares) share /= total;
    }
  }

  std::vector<double> AtLeast() const {
    std::vector<double> shares;
    AtLeast(shares);
    return shares;
  }

 private:
  mutable std::mutex mutex_;  // guards what follows
  std::vector<double> counts_;
  int since_halved_ = 0;
};

}  // namespace fathom
