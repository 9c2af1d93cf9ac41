#include "adapters/report/curve.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace fathom::training {
namespace {

constexpr int kWidth = 40;

std::string Bar(double share) {
  const int cells = static_cast<int>(std::clamp(share, 0.0, 1.0) * kWidth + 0.5);
  std::string bar;
  for (int i = 0; i < cells; ++i) bar += "█";
  for (int i = cells; i < kWidth; ++i) bar += " ";
  return bar;
}

}  // namespace

std::string FormatCurve(const DepthProfile& profile, const SkipRange& trained) {
  const double floor = profile.majority_baseline.value_or(0);
  double best = floor;
  for (const DepthPoint& point : profile.points) best = std::max(best, point.score);
  const double span = best > floor ? best - floor : 1;

  std::string text = absl::StrFormat("dev %s over %d rows at every skip depth n\n", profile.metric,
                                     profile.samples);
  if (profile.majority_baseline) {
    absl::StrAppend(&text, absl::StrFormat("bars start at %.4f, the score of a constant answer\n",
                                           *profile.majority_baseline));
  }
  for (const DepthPoint& point : profile.points) {
    absl::StrAppend(&text, absl::StrFormat("%4d  %7.4f  %s", point.skip_layers, point.score,
                                           Bar((point.score - floor) / span)));
    if (point.agreement) {
      absl::StrAppend(&text, absl::StrFormat("  %5.1f %% as n = 0", 100 * *point.agreement));
    }
    if (!trained.Contains(point.skip_layers)) absl::StrAppend(&text, "  (not trained)");
    absl::StrAppend(&text, "\n");
  }
  return text;
}

}  // namespace fathom::training
