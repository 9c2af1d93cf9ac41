// DrawProfile: the plot of a profile, by adapters/experiments/plot_depth.py.
#pragma once

#include <string>

#include "absl/status/status.h"

namespace fathom::training {

// Runs the script in `python` on the JSON of FormatProfileJson; its messages go to the standard
// error. NOT_FOUND: no script, beside the program's source tree or in FATHOM_EXPERIMENTS, or no
// such interpreter. FAILED_PRECONDITION: the script failed.
absl::Status DrawProfile(const std::string& json, const std::string& plot_file,
                         const std::string& python);

}  // namespace fathom::training
