// Linear: y = activation(x Wᵀ + b) with frozen weights, packed once for this CPU.
#pragma once

#include <ATen/core/Tensor.h>

#include "runtime/task/activation.h"

namespace fathom {

// Immutable; used from any number of threads at once.
class Linear {
 public:
  // weight [out, in] and bias [out], fp32. The packed form is made here.
  Linear(at::Tensor weight, at::Tensor bias, Activation activation = Activation::kIdentity);

  // x [R, in], contiguous fp32 -> [R, out]. For inference only: no gradient passes.
  at::Tensor operator()(const at::Tensor& x) const;

  // The plain weights, for the differentiable form of the layer.
  const at::Tensor& weight() const { return weight_; }  // [out, in]
  const at::Tensor& bias() const { return bias_; }      // [out]

 private:
  at::Tensor weight_;
  at::Tensor bias_;
  at::Tensor packed_weight_;  // oneDNN's blocked layout; undefined where oneDNN is not available
  Activation activation_;
  bool fused_activation_;
};

}  // namespace fathom
