// Optimizer: AdamW over named parameters, with the global gradient norm clipped. Its state is plain
// tensors, for checkpoints.
#pragma once

#include <memory>

#include "absl/status/status.h"
#include "runtime/model/tensor_file.h"

namespace fathom::training {

struct OptimizerOptions {
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  double weight_decay = 0;
  double max_gradient_norm = 1.0;
};

// One thread at a time.
class Optimizer {
 public:
  // `parameters` are leaves that require gradients; their storage is shared.
  Optimizer(TensorMap parameters, const OptimizerOptions& options);
  ~Optimizer();

  // Steps every parameter that has a gradient and drops the gradients. A parameter without one (a
  // layer below n) keeps value, moments and step count. INVALID_ARGUMENT, and nothing is changed,
  // if the gradient norm is not finite.
  absl::Status Step(double learning_rate);

  // "<parameter>.exp_avg", ".exp_avg_sq", ".step" of the parameters that have been stepped. Copies.
  TensorMap State() const;
  // INVALID_ARGUMENT names what does not fit the parameters.
  absl::Status Restore(const TensorMap& state);

 private:
  struct Impl;
  const std::unique_ptr<Impl> impl_;
};

}  // namespace fathom::training
