// Linear: y = activation(x Wᵀ + b) with frozen weights, packed once for this CPU.
#pragma once

#include <ATen/core/Tensor.h>

#include "runtime/task/activation.h"

namespace fathom {

// The trainer differentiates through plain weights; the server has no use for them.
enum class PlainWeights : uint8_t { kDrop, kKeep };

// Immutable; used from any number of threads at once.
class Linear {
 public:
  // weight [out, in] and bias [out], fp32. The packed form is made here.
  Linear(at::Tensor weight, at::Tensor bias, Activation activation, PlainWeights plain_weights);

  // x [R, in], contiguous fp32 -> [R, out]. For inference only: no gradient passes.
  at::Tensor operator()(const at::Tensor& x) const;

  // The plain weights, for the differentiable form of the layer. Undefined if dropped.
  const at::Tensor& weight() const { return weight_; }  // [out, in]
  const at::Tensor& bias() const { return bias_; }      // [out]
  Activation activation() const { return activation_; }

 private:
  at::Tensor weight_;
  at::Tensor bias_;
  at::Tensor packed_weight_;  // oneDNN's blocked layout; the plain weight where there is no oneDNN
  Activation activation_;
  bool packed_;
  bool fused_activation_;
};

}  // namespace fathom
