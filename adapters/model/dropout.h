// Dropout whose masks are a function of its seed, the order of calls and the element's index: a
// step that is run again after --resume drops the same, and no mask is kept for the backward pass.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace fathom::training {

// Lives for one pack of texts. One thread.
class Dropout {
 public:
  explicit Dropout(uint64_t seed) : seed_(seed) {}

  // Each element of x (fp32) is 0 with `probability`, rounded to 1/65536, and divided by 1 −
  // probability otherwise. Probability 0 gives x itself and draws nothing. Differentiable.
  at::Tensor operator()(const at::Tensor& x, double probability);

 private:
  const uint64_t seed_;
  uint64_t calls_ = 0;
};

// Where the encoder's dropout is on.
enum class DropoutPlaces : uint8_t {
  kBranch,      // from the first module that runs up
  kEverywhere,  // in the embeddings and the trunk too, as the `adapters` library trains
};

// Probabilities in a branch: the encoder's dropout above the fork, and the head's.
struct DropoutRates {
  double hidden = 0;     // after the dense outputs
  double attention = 0;  // of attention's weights
  double head = 0;       // before each linear layer of the head
};

}  // namespace fathom::training
