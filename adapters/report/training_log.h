// TrainingLog: a run as JSON lines, one an optimizer step and one a dev evaluation, for plots and
// comparisons.
//
//   {"step": 1, "n": 3, "loss": 0.69, "learning_rate": 1e-05, "seconds": 0.8}
//   {"step": 128, "dev": {"0": 0.81, "3": 0.8}, "score": 0.805, "best": true, "seconds": 103.2}
//
// seconds: since the run began, with everything that it did (filling a state cache, evaluations).
#pragma once

#include <chrono>
#include <cstdint>
#include <fstream>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "runtime/task/profile.h"

namespace fathom::training {

// One thread.
class TrainingLog {
 public:
  // Writes nothing.
  TrainingLog() = default;
  // Appends to the file. PERMISSION_DENIED if it cannot be opened.
  static absl::StatusOr<TrainingLog> Open(const std::string& path);

  struct Step {
    int64_t step = 0;
    int skip_layers = 0;
    double loss = 0;
    double learning_rate = 0;
  };
  void Add(const Step& step);
  void Add(int64_t step, absl::Span<const DepthPoint> dev, double score, bool best);

 private:
  double Seconds() const;

  std::ofstream out_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

}  // namespace fathom::training
