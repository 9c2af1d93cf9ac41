// Dropout with a generator of its own: what it drops depends on its seed and the order of calls
// only, so a step that is run again after --resume drops the same.
#pragma once

#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>

#include <cstdint>

namespace fathom::training {

// Lives for one optimizer step. One thread.
class Dropout {
 public:
  explicit Dropout(uint64_t seed);

  // Each element is 0 with `probability`, and divided by 1 − probability otherwise. Probability 0
  // gives x itself and draws nothing. Differentiable.
  at::Tensor operator()(const at::Tensor& x, double probability);

 private:
  at::Generator generator_;
};

// Probabilities in a branch: the encoder's dropout above the fork, and the head's.
struct DropoutRates {
  double hidden = 0;     // after the dense outputs
  double attention = 0;  // of attention's weights
  double head = 0;       // before each linear layer of the head
};

}  // namespace fathom::training
