// The depth profile as text: a table with a bar for every skip depth.
#pragma once

#include <string>

#include "runtime/task/profile.h"

namespace fathom::training {

// Bars run from the majority baseline (or 0) to the best score, so that what is drawn is what the
// adapter adds. Depths outside `trained` are marked.
std::string FormatCurve(const DepthProfile& profile, const SkipRange& trained);

}  // namespace fathom::training
