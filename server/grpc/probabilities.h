// From logits to probabilities. Pure functions.
#pragma once

#include <cstddef>
#include <vector>

#include "absl/types/span.h"

namespace fathom {

bool AllFinite(absl::Span<const float> values);

// exp(logit) over their sum, safe for any finite logits. [C] to [C].
// REQUIRES: AllFinite(logits), not empty.
std::vector<float> Softmax(absl::Span<const float> logits);

// 1 / (1 + exp(-logit)), without overflow.
float Sigmoid(float logit);

// The `count` classes of the highest probability (all, if there are fewer), best first; ties by
// class index.
std::vector<size_t> TopClasses(absl::Span<const float> probabilities, size_t count);

}  // namespace fathom
