// What a task's depth profile says of raising n. Pure functions.
#pragma once

#include <optional>

#include "absl/status/status.h"
#include "runtime/engine.h"

namespace fathom {

// Whether n can be chosen by quality. FAILED_PRECONDITION names the task and what is missing: a
// profile, a score at n = 0, or a score there that beats always answering the commonest label.
absl::Status CheckQualityIsKnown(const TaskInfo& task);

// score(n) at the lower end of its 95 % interval. Nothing where n was not measured.
//
// The interval is that of score(n) − score(0) on the same samples. A profile without half-widths
// but with agreement still bounds it: at most a share of 1 − agreement of the samples can have
// changed, so the half-width is taken as 1.96 · √((1 − agreement) / samples), which is the widest
// that an accuracy can have. With neither it is the score.
std::optional<double> LowestScore(const DepthProfile& profile, int skip_layers);

// The largest n up to `last` such that it and every smaller n from the lowest trained one on keep
// `share` of score(0) by LowestScore. Nothing where the lowest trained n does not, or where
// CheckQualityIsKnown is not ok.
std::optional<int> DeepestKeeping(const TaskInfo& task, double share, int last);

}  // namespace fathom
