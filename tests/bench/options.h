// The command line of fathom-bench.
#pragma once

#include <string>

#include "runtime/engine.h"

namespace fathom::bench {

struct Options {
  std::string workload;     // a name of WorkloadNames(), or "all"
  std::string encoder_dir;  // a Hugging Face folder
  std::string json_file;    // empty: none
  Precision precision = Precision::kFp32;
  int threads = 2;
  int tasks = 8;            // on one text, and to draw from
  int tokens = 32;          // of a text, where the workload does not say
  int texts = 64;           // of the mixed batch
  int bottleneck = 48;      // D of the adapters
  int cached_tasks = 1000;  // most tasks on the one text of repeat
  int registered = 10'000;  // the most tasks in adapters
  int rounds = 30;          // timed ones
};

// What a parse ends with: options to run, or an exit code once help or an error is printed.
struct ParsedOptions {
  Options options;
  bool run = false;
  int exit_code = 0;
};

ParsedOptions ParseOptions(int argc, char** argv);

}  // namespace fathom::bench
