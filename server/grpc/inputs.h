// Inputs of a call on their way to the engine.
#pragma once

#include "absl/status/statusor.h"
#include "fathom/v1/input.pb.h"
#include "runtime/engine.h"

namespace fathom {

// REQUIRES: a value of the enum.
Truncation ToTruncation(v1::Truncation truncation);

struct TokenizeOptions {
  Truncation truncation = Truncation::kLongestFirst;
  bool with_spans = false;  // of texts; token ids have none
};

// `index`: of the input in its call, for messages. INVALID_ARGUMENT names the field. REQUIRES:
// ValidateInputs.
absl::StatusOr<TokenizedText> TokenizeInput(const Engine& engine, const v1::Input& input, int index,
                                            const TokenizeOptions& options);

}  // namespace fathom
