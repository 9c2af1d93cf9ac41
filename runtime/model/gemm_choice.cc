#include "runtime/model/gemm_choice.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <utility>

namespace fathom {
namespace {

using Candidates = std::vector<GemmTimes>;

size_t FastestAt(const Candidates& candidates, size_t knot) {
  const auto fastest = std::min_element(
      candidates.begin(), candidates.end(),
      [&](const GemmTimes& a, const GemmTimes& b) { return a.times[knot].ms < b.times[knot].ms; });
  return static_cast<size_t>(fastest - candidates.begin());
}

double LeastMs(const Candidates& candidates, size_t knot) {
  return candidates.empty() ? std::numeric_limits<double>::infinity()
                            : candidates[FastestAt(candidates, knot)].times[knot].ms;
}

Candidates Without(const Candidates& candidates, GemmForm form) {
  Candidates rest;
  for (const GemmTimes& one : candidates) {
    if (one.candidate.form != form) rest.push_back(one);
  }
  return rest;
}

// The largest factor by which a knot slows if only `rest` is left of `all`.
double LossWith(const Candidates& rest, const Candidates& all) {
  double loss = 1;
  for (size_t knot = 0; knot < all.front().times.size(); ++knot) {
    loss = std::max(loss, LeastMs(rest, knot) / LeastMs(all, knot));
  }
  return loss;
}

// Drops the form that costs least to lose, again and again, for as long as it is not missed.
Candidates WorthKeeping(Candidates kept) {
  const Candidates all = kept;
  while (true) {
    Candidates best_rest;
    double least_loss = kWorthAForm;
    for (size_t form = 0; form < kGemmForms; ++form) {
      Candidates rest = Without(kept, static_cast<GemmForm>(form));
      if (rest.size() == kept.size()) continue;
      const double loss = LossWith(rest, all);
      if (loss > least_loss) continue;
      least_loss = loss;
      best_rest = std::move(rest);
    }
    if (best_rest.empty()) return kept;
    kept = std::move(best_rest);
  }
}

// The first row count at which `later`, the slower of the two at knot - 1 and the faster at knot,
// is ahead.
int64_t MeetingPoint(const GemmTimes& earlier, const GemmTimes& later, size_t knot) {
  const RowTime& below = earlier.times[knot - 1];
  const RowTime& above = earlier.times[knot];
  const double ahead = later.times[knot - 1].ms - below.ms;
  const double behind = above.ms - later.times[knot].ms;
  if (ahead + behind <= 0) return above.rows;
  const double share = ahead / (ahead + behind);
  const double rows =
      std::lerp(static_cast<double>(below.rows), static_cast<double>(above.rows), share);
  return std::clamp(static_cast<int64_t>(std::ceil(rows)), below.rows + 1, above.rows);
}

}  // namespace

const char* GemmFormName(GemmForm form) {
  switch (form) {
    case GemmForm::kPlain:
      return "plain";
    case GemmForm::kOneDnn:
      return "onednn";
    case GemmForm::kOneDnnBf16:
      return "onednn-bf16";
    case GemmForm::kPackedDense:
      return "packed";
  }
  return "unknown";
}

const char* PrecisionName(Precision precision) {
  switch (precision) {
    case Precision::kFp32:
      return "fp32";
    case Precision::kBf16:
      return "bf16";
    case Precision::kAuto:
      return "auto";
  }
  return "unknown";
}

GemmCandidate GemmChoice::At(int64_t rows) const {
  const auto after = std::find_if(ranges_.begin() + 1, ranges_.end(),
                                  [&](const GemmRange& range) { return range.first_rows > rows; });
  return std::prev(after)->candidate;
}

bool GemmChoice::Uses(GemmForm form) const {
  return std::any_of(ranges_.begin(), ranges_.end(),
                     [&](const GemmRange& range) { return range.candidate.form == form; });
}

GemmChoice ChooseGemm(std::vector<GemmTimes> candidates) {
  const Candidates kept = WorthKeeping(std::move(candidates));
  size_t current = FastestAt(kept, 0);
  std::vector<GemmRange> ranges = {{0, kept[current].candidate}};
  for (size_t knot = 1; knot < kept.front().times.size(); ++knot) {
    const size_t fastest = FastestAt(kept, knot);
    if (fastest == current) continue;
    ranges.push_back({MeetingPoint(kept[current], kept[fastest], knot), kept[fastest].candidate});
    current = fastest;
  }
  return GemmChoice(std::move(ranges));
}

Precision FasterPrecision(const ShapeTimes& fp32, const ShapeTimes& bf16) {
  const auto layer_ms = [](const ShapeTimes& shapes, size_t knot) {
    double ms = 0;
    for (const auto& [shape, candidates] : shapes) ms += LeastMs(candidates, knot);
    return ms;
  };
  const size_t knots = fp32.begin()->second.front().times.size();
  double log_ratio = 0;
  for (size_t knot = 0; knot < knots; ++knot) {
    log_ratio += std::log(layer_ms(bf16, knot) / layer_ms(fp32, knot));
  }
  return std::exp(log_ratio / static_cast<double>(knots)) < kWorthBf16 ? Precision::kBf16
                                                                       : Precision::kFp32;
}

}  // namespace fathom
