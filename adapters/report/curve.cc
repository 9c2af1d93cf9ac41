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

bool HasHalfWidths(const DepthProfile& profile) {
  return std::any_of(profile.points.begin(), profile.points.end(),
                     [](const DepthPoint& point) { return point.half_width.has_value(); });
}

// Without a line end.
std::string FormatPoint(const DepthPoint& point, const std::string& bar) {
  std::string text = absl::StrFormat("%4d  %7.4f", point.skip_layers, point.score);
  if (point.half_width) absl::StrAppend(&text, absl::StrFormat(" ±%.4f", *point.half_width));
  absl::StrAppend(&text, "  ", bar);
  if (point.agreement) {
    absl::StrAppend(&text, absl::StrFormat("  %5.1f %% as n = 0", 100 * *point.agreement));
  }
  if (point.ms_one_task && point.ms_eight_tasks) {
    absl::StrAppend(&text, absl::StrFormat("  %.1f ms, 8 tasks %.1f ms", *point.ms_one_task,
                                           *point.ms_eight_tasks));
  }
  return text;
}

}  // namespace

std::string FormatCurve(const DepthProfile& profile, const std::optional<SkipRange>& trained) {
  const double floor = profile.majority_baseline.value_or(0);
  double best = floor;
  for (const DepthPoint& point : profile.points) best = std::max(best, point.score);
  const double span = best > floor ? best - floor : 1;

  std::string text =
      absl::StrFormat("%s over %d rows at every skip depth n\n", profile.metric, profile.samples);
  if (profile.majority_baseline) {
    absl::StrAppend(&text, absl::StrFormat("bars start at %.4f, the score of a constant answer\n",
                                           *profile.majority_baseline));
  }
  if (HasHalfWidths(profile)) {
    absl::StrAppend(&text, "±: 95 % interval of the difference to n = 0 on the same rows\n");
  }
  for (const DepthPoint& point : profile.points) {
    absl::StrAppend(&text, FormatPoint(point, Bar((point.score - floor) / span)));
    if (trained && !trained->Contains(point.skip_layers)) absl::StrAppend(&text, "  (not trained)");
    absl::StrAppend(&text, "\n");
  }
  return text;
}

}  // namespace fathom::training
