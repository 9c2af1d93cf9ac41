// How a call says which skip depth n a task is to run at, and what was chosen. Plain values.
#pragma once

#include <cstdint>
#include <optional>

#include "absl/time/time.h"

namespace fathom {

// What a call asks for one task. Checked: an exact n is in the range that the call permits.
struct DepthChoice {
  enum class Kind : uint8_t {
    kTaskDefault,    // nothing was asked
    kExact,          // skip_layers, which is never altered
    kLatencyBudget,  // the smallest n that fits
    kMinQuality,     // the largest n that keeps a share of the score at n = 0
  };

  Kind kind = Kind::kTaskDefault;
  int skip_layers = 0;                  // kExact
  absl::Duration latency_budget;        // kLatencyBudget: arrival to answer written
  double min_quality = 0;               // kMinQuality: 0 … 1
  std::optional<double> quality_floor;  // 0 … 1; absent: the task's own
  bool allow_untrained_depth = false;

  bool operator==(const DepthChoice&) const = default;
};

enum class DepthReason : uint8_t {
  kExact,
  kLatencyBudget,
  kMinQuality,
  kTaskDefault,
  kBrownout,    // raised because the queue is long
  kDriftGuard,  // put back to the default because answers drifted from the profile
};

struct ChosenDepth {
  int skip_layers = 0;  // n
  DepthReason reason = DepthReason::kTaskDefault;
  std::optional<bool> budget_met;      // predicted; absent without a latency budget
  std::optional<double> predicted_ms;  // from arrival to the answer, which 19 of 20 keep; absent:
                                       // nothing was predicted
  bool shadow = false;  // run n = 0 of the same text in the same pass too, and compare the answers

  bool operator==(const ChosenDepth&) const = default;
};

}  // namespace fathom
