// Which weights of a run are kept: the rule by which dev evaluations are compared. Evaluations are
// always at fixed depths, never at the n of a step: a random n would make selection noise.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/types/span.h"
#include "adapters/schedule/skip_schedule.h"
#include "runtime/task/profile.h"

namespace fathom::training {

struct SelectionRule {
  enum class By : unsigned char {
    kMean,   // over SelectionDepths
    kWorst,  // of SelectionDepths
    kDepth,  // the score at one n
  };
  By by = By::kMean;
  int depth = 0;  // n of kDepth
};

// "mean", "worst", "n=5".
std::optional<SelectionRule> ParseSelectionRule(std::string_view text);
std::string SelectionRuleName(const SelectionRule& rule);

// The depths that are evaluated: the rule's own, or 0, L/4, L/2 and 3L/4 for robust and the trained
// n for other methods.
std::vector<int> SelectionDepths(const SkipScheduleOptions& options,
                                 const SelectionRule& rule = {});

// Higher is better; NaN if any score is. REQUIRES: points.
double SelectionScore(absl::Span<const DepthPoint> points, const SelectionRule& rule);

}  // namespace fathom::training
