// Which tasks calls ask for, and how often.
#pragma once

#include <random>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "fathom/v1/task.pb.h"

namespace fathom {

struct MixEntry {
  std::vector<v1::TaskSelector> tasks;
  double weight = 1;
};

// "a,b@4:3;c:1": three calls of four ask for a and for b at n = 4, one for c. Without a weight it
// is
// 1. INVALID_ARGUMENT says what is wrong.
absl::StatusOr<std::vector<MixEntry>> ParseMix(absl::string_view text);

// Draws entries by weight. Seeded by the generator that it is given. Not thread-safe.
class Mix {
 public:
  // REQUIRES: not empty, weights above 0.
  explicit Mix(std::vector<MixEntry> entries);

  const std::vector<v1::TaskSelector>& Draw(std::mt19937_64& random) {
    return entries_[index_(random)].tasks;
  }

 private:
  std::vector<MixEntry> entries_;
  std::discrete_distribution<size_t> index_;
};

}  // namespace fathom
