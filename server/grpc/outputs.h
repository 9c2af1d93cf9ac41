// From the logits of a head to its outcome, one function a kind of head. Pure functions.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "fathom/v1/result.pb.h"
#include "runtime/engine.h"

namespace fathom {

// A failed output's own error; INTERNAL, naming the task, for a NaN or infinite logit and for
// another number of logits than the task's labels ask for. `spans`: of the input's tokens; empty of
// an input that came as token ids.
absl::Status CheckOutput(const TaskOutput& output, const TaskInfo& task,
                         absl::Span<const TokenSpan> spans);

// REQUIRES for these: CheckOutput is OK.

// logits [C].
v1::Classification MakeClassification(absl::Span<const float> logits,
                                      const std::vector<std::string>& labels, size_t top_k);

// logits [C].
v1::MultiLabel MakeMultiLabel(absl::Span<const float> logits,
                              const std::vector<std::string>& labels);

// logits [S, C]. No tag of a special token.
v1::Tagging MakeTagging(absl::Span<const float> logits, const std::vector<std::string>& labels,
                        absl::Span<const TokenSpan> spans);

}  // namespace fathom
