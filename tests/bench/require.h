// What ends a benchmark that cannot be measured.
#pragma once

#include <cstdio>
#include <cstdlib>

#include "absl/status/status.h"

namespace fathom::bench {

// A benchmark has nobody to tell of an error.
inline void Require(const absl::Status& status) {
  if (status.ok()) return;
  std::fprintf(stderr, "%s\n", status.ToString().c_str());
  std::exit(1);
}

}  // namespace fathom::bench
