#include "adapters/parallel/gradient_sum.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/zeros.h>

#include <cstdint>

namespace fathom::training {

// What is exchanged: all gradients, then a flag a parameter (it has one), then the totals.
absl::Status SumGradients(Ranks& ranks, const TensorMap& parameters, StepTotals& totals) {
  const at::NoGradGuard no_grad;
  int64_t values = 0;
  for (const auto& [name, parameter] : parameters) values += parameter.numel();
  const auto count = static_cast<int64_t>(parameters.size());
  at::Tensor exchanged = at::zeros({values + count + 2}, at::kFloat);
  at::Tensor flags = exchanged.narrow(0, values, count);
  int64_t first = 0;
  int64_t index = 0;
  for (const auto& [name, parameter] : parameters) {
    if (parameter.grad().defined()) {
      exchanged.narrow(0, first, parameter.numel()).copy_(parameter.grad().reshape({-1}));
      flags[index].fill_(1);
    }
    first += parameter.numel();
    ++index;
  }
  exchanged[values + count].fill_(totals.loss);
  exchanged[values + count + 1].fill_(totals.stop_requests);
  if (absl::Status status = ranks.Sum(exchanged); !status.ok()) return status;
  first = 0;
  index = 0;
  for (const auto& [name, parameter] : parameters) {
    if (flags[index].item<float>() > 0) {
      parameter.mutable_grad() =
          exchanged.narrow(0, first, parameter.numel()).view(parameter.sizes()).clone();
    }
    first += parameter.numel();
    ++index;
  }
  totals.loss = exchanged[values + count].item<double>();
  totals.stop_requests = exchanged[values + count + 1].item<double>();
  return absl::OkStatus();
}

}  // namespace fathom::training
