// SumGradients: makes the gradients of all ranks those of their texts together.
#pragma once

#include "absl/status/status.h"
#include "adapters/parallel/ranks.h"
#include "runtime/model/tensor_file.h"

namespace fathom::training {

struct StepTotals {
  double loss = 0;           // of this rank's texts, as a share of the step's mean
  double stop_requests = 0;  // 1: this rank was asked to stop
};

// Sums gradients and totals over the ranks, in one exchange. A parameter that has a gradient in any
// rank has one afterwards: a rank without texts in a step takes part with zeros. UNAVAILABLE as
// Ranks::Sum.
absl::Status SumGradients(Ranks& ranks, const TensorMap& parameters, StepTotals& totals);

}  // namespace fathom::training
