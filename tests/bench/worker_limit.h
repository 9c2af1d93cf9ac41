// The limit of a job of fathom-bench-worker: its planned arithmetic at the machine's best GEMM
// rate, in fp32 and with empty caches.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "runtime/engine.h"
#include "runtime/model/encoder.h"
#include "tests/bench/gemm_rates.h"
#include "tests/bench/worker_job.h"

namespace fathom::bench {

// Loads an encoder of its own when a limit is first asked for, and measures its GEMMs then.
class JobLimit {
 public:
  // The engine must outlive this object.
  JobLimit(std::string encoder_dir, const Engine& engine);

  absl::Status MeasureRates();

  absl::StatusOr<double> Ms(const Job& job);

 private:
  absl::Status Prepare();

  const std::string encoder_dir_;
  const Engine& engine_;
  std::shared_ptr<const Encoder> encoder_;
  std::optional<GemmRates> rates_;
};

}  // namespace fathom::bench
