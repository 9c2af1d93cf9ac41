// The depth profile as JSON, for the plots in adapters/experiments/ and for the training record.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "runtime/task/profile.h"

namespace fathom::training {

struct ProfileSource {
  std::string task;  // the adapter's name
  std::string data;  // the file's name
};

// {"tasks": {task: {"metric", "data", "samples", "majority_baseline", "points": [{"skip_layers",
// "score", …}], "profile_steps": [score(n) − score(n+1) for n = 0 …]}}}, with a line end. What was
// not measured is absent.
std::string FormatProfileJson(const ProfileSource& source, const DepthProfile& profile);

// The keys of a record's details that say what a profile was measured on: "profile-data",
// "profile-data-sha256" and, if the digest of the file that chose the weights is known (not empty),
// "profile-data-chose-weights".
nlohmann::json ProfileDataDetails(const std::string& file, const std::string& digest,
                                  const std::string& dev_digest);

}  // namespace fathom::training
