// How a person says which n to use: by flags for all tasks, and behind a task's name.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "fathom/v1/task.pb.h"

namespace fathom {

// At most one of the first three is given.
struct DepthFlags {
  std::vector<uint32_t> skip_layers;  // each task at each of them
  std::optional<double> latency_budget_ms;
  std::optional<float> min_quality;
  std::optional<float> quality_floor;
  bool allow_untrained_depth = false;
};

// NAME[/VERSION][@DEPTH], where DEPTH is a number (exactly this n), "20ms" (a latency budget) or
// "q0.95" (a least quality): "topic", "topic/2@4", "topic@q0.9". INVALID_ARGUMENT says what is
// wrong.
absl::StatusOr<v1::TaskSelector> ParseTask(absl::string_view spec);

// The tasks with the depths that the flags give to those that have none of their own; a task at
// several n follows itself. quality_floor and allow_untrained_depth hold for all.
std::vector<v1::TaskSelector> WithDepths(const std::vector<v1::TaskSelector>& tasks,
                                         const DepthFlags& flags);

}  // namespace fathom
