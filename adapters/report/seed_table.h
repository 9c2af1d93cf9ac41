// The profiles of several runs that differ in their seed, as a table.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/types/span.h"
#include "runtime/task/profile.h"

namespace fathom::training {

struct SeedProfile {
  uint64_t seed = 0;
  DepthProfile profile;
};

struct MeanAndDeviation {
  double mean = 0;
  double deviation = 0;  // of a sample, with count − 1; 0 for one value
};
// REQUIRES: values.
MeanAndDeviation Summarize(absl::Span<const double> values);

// A line for every n: mean ± sample deviation, then the score of each seed. REQUIRES: at least one
// run; the profiles have the same points.
std::string FormatSeedTable(const std::vector<SeedProfile>& runs);

}  // namespace fathom::training
