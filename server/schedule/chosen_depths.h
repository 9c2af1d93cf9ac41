// The n of a request's tasks, between the request, the queue and the DepthChooser.
#pragma once

#include <vector>

#include "absl/types/span.h"
#include "server/schedule/depth_chooser.h"
#include "server/schedule/request.h"

namespace fathom {

using DepthTable = std::vector<std::vector<ChosenDepth>>;  // [texts][tasks]

inline bool IsExact(const ScheduledTask& task) {
  return task.task == nullptr || task.depth.kind == DepthChoice::Kind::kExact;
}

// Whether there is anything to choose.
bool AnyOpen(absl::Span<const ScheduledText> texts);

// What holds without a chooser: the n that was asked for, or else the task's default. The raw
// encoder has no adapter to skip: n = 0.
DepthTable DefaultDepths(absl::Span<const ScheduledText> texts);

// Asks `chooser`. An answer of another shape than the texts, or with an n outside 0 … layers, is
// replaced by the default; exact ones stay as they are whatever it says.
DepthTable AskForDepths(DepthChooser& chooser, absl::Span<const ScheduledText> texts,
                        const CutMoment& moment, int layers);

// Writes them into the tasks.
void SetDepths(const DepthTable& depths, absl::Span<ScheduledText> texts);

}  // namespace fathom
