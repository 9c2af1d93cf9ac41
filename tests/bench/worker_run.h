// Runs a job of fathom-bench-worker.
#pragma once

#include <nlohmann/json.hpp>

#include "absl/status/statusor.h"
#include "runtime/engine.h"
#include "tests/bench/worker_job.h"

namespace fathom::bench {

// {"ms": of every timed run, "logits": [texts][tasks][C], "row_layers_run": …,
// "row_layers_cached": …, "predicted_ms": …} of the last run. NOT_FOUND for an unknown task; the
// first failed (text, task) is the job's error.
absl::StatusOr<nlohmann::json> RunJob(const Job& job, Engine& engine);

}  // namespace fathom::bench
