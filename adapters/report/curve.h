// The depth profile as text: a table with a bar for every skip depth.
#pragma once

#include <optional>
#include <string>

#include "runtime/task/profile.h"

namespace fathom::training {

// Bars run from the majority baseline (or 0) to the best score, so that what is drawn is what the
// adapter adds. Depths outside `trained` are marked; nothing: not known. What the profile does not
// hold (half-widths, agreement, times) is left out.
std::string FormatCurve(const DepthProfile& profile, const std::optional<SkipRange>& trained);

}  // namespace fathom::training
