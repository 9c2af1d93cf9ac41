// What a trained head's predictions are scored as.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "adapters/data/dataset.h"
#include "runtime/engine.h"

namespace fathom::training {

// FAILED_PRECONDITION, naming `task_dir`, for a head that fathom-train cannot score.
inline absl::StatusOr<TaskType> HeadTaskType(HeadKind kind, const std::string& task_dir) {
  switch (kind) {
    case HeadKind::kClassification:
      return TaskType::kClassification;
    case HeadKind::kRegression:
      return TaskType::kRegression;
    case HeadKind::kMultiLabel:
    case HeadKind::kTagging:
      break;
  }
  return absl::FailedPreconditionError(absl::StrCat(
      task_dir, ": the head ", kind == HeadKind::kTagging ? "tags tokens" : "gives several labels",
      "; fathom-train knows classification of one label and regression"));
}

}  // namespace fathom::training
