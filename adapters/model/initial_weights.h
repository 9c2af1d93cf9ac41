// InitialWeights: parameters as the library's "bert" initialisation draws them.
#pragma once

#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>

#include <cstdint>

#include "runtime/task/format/adapter_folder.h"

namespace fathom::training {

// Equal seeds and calls give equal weights. One thread.
class InitialWeights {
 public:
  explicit InitialWeights(uint64_t seed);

  at::Tensor Matrix(int64_t out, int64_t in);  // N(0, 0.02)
  static at::Tensor Bias(int64_t out);         // 0

 private:
  at::Generator generator_;
};

// What a reader of a file with `dtype` weights gets: rounded to it, fp32, without gradient.
at::Tensor Frozen(const at::Tensor& parameter, WeightDtype dtype);

}  // namespace fathom::training
