// DriftGuard: whether a task's answers at a risen n still agree with those at n = 0 as often as its
// profile measured. Pure counting, no clock; the owner locks it.
//
// Agreement is not accuracy: where the answers at n = 0 themselves get worse, it sees nothing.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "runtime/task/profile.h"

namespace fathom {

// Of one version of a task.
class DriftGuard {
 public:
  static constexpr int kWindow = 500;           // samples of one n that are judged together
  static constexpr double kStandardErrors = 3;  // below the profile's that are too many

  struct Agreement {
    int skip_layers = 0;
    int64_t samples = 0;
    double agreed = 0;  // sum of their agreements

    bool operator==(const Agreement&) const = default;
  };

  explicit DriftGuard(const DepthProfile& profile);

  // Whether n can be judged: the profile has an agreement there.
  bool Watches(int skip_layers) const { return depths_.contains(skip_layers); }

  // One text answered at n and at 0; `agreement` is 0 … 1. Ignored where nothing is watched.
  void Add(int skip_layers, double agreement);

  // From the window on that was too low, until Reset.
  bool tripped() const { return tripped_; }

  // Starts again; the counts stay.
  void Reset();

  // All samples since the start, by n.
  std::vector<Agreement> agreements() const;

 private:
  struct Depth {
    double lowest = 0;  // share of a window that is just good enough
    int window = 0;
    double window_agreed = 0;
    int64_t samples = 0;
    double agreed = 0;
  };

  std::map<int, Depth> depths_;
  bool tripped_ = false;
};

// The share of `kWindow` samples that may agree, at least, where a profile measured `agreement` on
// `profile_samples` (0: not known, taken as kWindow). The standard error is that of the difference
// of both shares; one sample of each kind is added to the profile's, since a measured 1.0 is not a
// certainty.
double LowestAgreement(double agreement, int64_t profile_samples);

}  // namespace fathom
