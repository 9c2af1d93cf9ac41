// Checkpoint: everything a run needs to go on exactly where it was, in one safetensors file that is
// written beside the old one and renamed: whatever happens, one readable checkpoint is left.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "adapters/schedule/divergence_guard.h"
#include "runtime/model/tensor_file.h"

namespace fathom::training {

struct Checkpoint {
  // What shaped the run, by the name of the flag (or fact): a resumed run must have the same.
  std::map<std::string, std::string> settings;
  int64_t step = 0;         // optimizer steps done
  std::string skip_stream;  // SkipSchedule::State
  TensorMap weights;        // TrainableTask::named
  TensorMap optimizer;      // Optimizer::State
  TensorMap best_weights;   // empty: no evaluation yet
  double best_score = 0;    // by the run's SelectionRule
  int64_t best_step = 0;
  int64_t evaluations_since_best = 0;
  DivergenceGuard::State divergence;
};

absl::Status WriteCheckpoint(const std::string& path, const Checkpoint& checkpoint);

// NOT_FOUND: no such file. INVALID_ARGUMENT names the file: not a checkpoint, or damaged.
absl::StatusOr<Checkpoint> ReadCheckpoint(const std::string& path);

// FAILED_PRECONDITION names the first setting that differs, with both values.
absl::Status CheckSameSettings(const std::map<std::string, std::string>& saved,
                               const std::map<std::string, std::string>& now);

}  // namespace fathom::training
