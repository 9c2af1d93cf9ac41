#include "adapters/schedule/selection.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace fathom::training {

std::optional<SelectionRule> ParseSelectionRule(std::string_view text) {
  if (text == "mean") return SelectionRule{SelectionRule::By::kMean};
  if (text == "worst") return SelectionRule{SelectionRule::By::kWorst};
  if (!text.starts_with("n=")) return std::nullopt;
  int depth = 0;
  if (!absl::SimpleAtoi(std::string(text.substr(2)), &depth) || depth < 0) return std::nullopt;
  return SelectionRule{SelectionRule::By::kDepth, depth};
}

std::string SelectionRuleName(const SelectionRule& rule) {
  if (rule.by == SelectionRule::By::kDepth) return absl::StrCat("n=", rule.depth);
  return rule.by == SelectionRule::By::kWorst ? "worst" : "mean";
}

std::vector<int> SelectionDepths(const SkipScheduleOptions& options, const SelectionRule& rule) {
  if (rule.by == SelectionRule::By::kDepth) return {rule.depth};
  if (options.method != Method::kRobust) return {SkipSchedule(options).trained_range().first};
  std::vector<int> depths;
  for (int quarter = 0; quarter < 4; ++quarter) {
    const int depth = quarter * options.layers / 4;
    if (depths.empty() || depth != depths.back()) depths.push_back(depth);
  }
  return depths;
}

double SelectionScore(absl::Span<const DepthPoint> points, const SelectionRule& rule) {
  double sum = 0;
  double worst = std::numeric_limits<double>::infinity();
  for (const DepthPoint& point : points) {
    sum += point.score;
    worst = std::min(worst, point.score);
  }
  if (std::isnan(sum)) return sum;
  return rule.by == SelectionRule::By::kWorst ? worst : sum / static_cast<double>(points.size());
}

}  // namespace fathom::training
