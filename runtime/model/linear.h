// Linear: y = activation(x Wᵀ + b) with frozen weights, packed once for this CPU.
#pragma once

#include <ATen/core/Tensor.h>

#include <array>
#include <memory>

#include "runtime/model/gemm_choice.h"
#include "runtime/task/activation.h"

namespace fathom {

// The trainer differentiates through plain weights; the server has no use for them.
enum class PlainWeights : uint8_t { kDrop, kKeep };

// Immutable; used from any number of threads at once.
class Linear {
 public:
  struct Options {
    // How to multiply by row count, shared by the layers of an encoder. Null: StaticGemmChoice.
    std::shared_ptr<const GemmChoice> gemm;
    at::ScalarType result = at::kFloat;  // kBFloat16: for a bf16 GEMM that follows
    PlainWeights plain_weights = PlainWeights::kDrop;
  };

  // weight [out, in] and bias [out], fp32. The packed forms are made here, those that the choice
  // uses at some row count, and nothing of `weight` is kept beside them unless the options say so.
  Linear(at::Tensor weight, at::Tensor bias, Activation activation, Options options);
  Linear(at::Tensor weight, at::Tensor bias, Activation activation, PlainWeights plain_weights)
      : Linear(std::move(weight), std::move(bias), activation,
               Options{.plain_weights = plain_weights}) {}

  // x [R, in], contiguous fp32 (or what a bf16 layer before gave) -> a new tensor [R, out]. For
  // inference only: no gradient passes.
  at::Tensor operator()(const at::Tensor& x) const { return Run(x, nullptr); }

  // The same with the result in `buffer`, contiguous fp32 [R, out], where the GEMM of R rows can
  // write into a given one: ATen's and the packed kernel can, oneDNN allocates. Returns the
  // result, `buffer` or a new tensor.
  at::Tensor operator()(const at::Tensor& x, at::Tensor& buffer) const { return Run(x, &buffer); }

  // The plain weights, for the differentiable form of the layer. Undefined if dropped.
  const at::Tensor& weight() const { return weight_; }  // [out, in]
  const at::Tensor& bias() const { return bias_; }      // [out]
  Activation activation() const { return activation_; }
  const GemmChoice& gemm() const { return *gemm_; }

 private:
  at::Tensor Run(const at::Tensor& x, at::Tensor* buffer) const;

  at::Tensor weight_;
  at::Tensor bias_;
  Activation activation_;
  at::ScalarType result_;
  std::shared_ptr<const GemmChoice> gemm_;
  std::array<at::Tensor, kGemmForms> packed_;  // by GemmForm; undefined where not used
};

}  // namespace fathom
