// From what a pass computed to what the client reads. Pure functions.
#pragma once

#include <optional>

#include "absl/time/time.h"
#include "absl/types/span.h"
#include "fathom/v1/inference_service.pb.h"
#include "runtime/depth/depth_choice.h"
#include "runtime/engine.h"
#include "server/schedule/request.h"

namespace fathom {

// What a task's depth profile says of n; nothing where it was not measured.
std::optional<v1::ExpectedQuality> QualityAt(const TaskInfo& task, int skip_layers);

// One (text, task). A failed output, a NaN or infinite logit and a number of logits other than the
// task's labels become the result's error, which names the task. `spans`: of the input's tokens,
// for a tagging task; empty of an input that came as token ids.
v1::TaskResult MakeTaskResult(const TaskOutput& output, const TaskInfo& task,
                              const ChosenDepth& depth, const v1::PredictOptions& options,
                              absl::Span<const TokenSpan> spans = {});

// `tokens`: of all inputs.
v1::Usage MakeUsage(const ScheduledResult& result, absl::Duration tokenize, int64_t tokens);

}  // namespace fathom
