// What fathom-bench-worker is asked for: one JSON line a job.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "runtime/text/text.h"

namespace fathom::bench {

struct JobTask {
  std::string name;  // empty: the raw encoder, whose logits are the [CLS] row
  int skip_layers = 0;
};

struct JobText {
  TokenizedText text;
  std::vector<JobTask> tasks;
};

// One pass over the texts, run again and again.
struct Job {
  std::vector<JobText> texts;
  int untimed = 0;         // runs before the timed ones, which wake the threads
  int repeat = 1;          // timed runs
  bool keep_taps = false;  // false: the caches are emptied before every run
};

// {"texts": [{"ids": […], "segment_ids": […], "tasks": [{"name": "t0", "skip_layers": 5}, …]}, …],
//  "untimed": 1, "repeat": 5, "keep_taps": false}. Segment ids may be left out (all 0), a task's
// name too. INVALID_ARGUMENT says what is wrong.
absl::StatusOr<Job> ParseJob(const nlohmann::json& json);

}  // namespace fathom::bench
