// Gemm: y = activation(x Wᵀ + b) by one candidate, and its weights in the form that it wants.
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "runtime/model/gemm_choice.h"
#include "runtime/task/activation.h"

namespace fathom {

// What this CPU and this build can run, for an activation. fp32 or bf16, not kAuto. Never empty for
// fp32; empty for bf16 where HasBf16() is false.
std::vector<GemmCandidate> GemmCandidates(Activation activation, Precision precision);

// What is taken where nothing was measured.
GemmChoice StaticGemmChoice(Activation activation, Precision precision);

// The CPU multiplies bf16 itself (AVX512-BF16 or AMX): slower than fp32 otherwise.
bool HasBf16();

// weight [out, in] fp32 -> what RunGemm takes for that form. kPlain is `weight` itself. The packed
// forms are inference-mode tensors.
at::Tensor PackGemmWeight(const at::Tensor& weight, GemmForm form);

struct GemmCall {
  const at::Tensor& x;       // [R, in], contiguous; fp32, or bf16 for kOneDnnBf16
  const at::Tensor& weight;  // packed for the candidate's form
  const at::Tensor& bias;    // [out] fp32
  Activation activation = Activation::kIdentity;
  at::ScalarType result = at::kFloat;  // or kBFloat16 for kOneDnnBf16
};

// y [R, out]. kPlain and kPackedDense write into `buffer`, a contiguous fp32 [R, out], if there is
// one, and return it; oneDNN's forms always return a new tensor, and so do the others without a
// buffer. For inference only. Any thread; uses at::get_num_threads() threads.
at::Tensor RunGemm(GemmCandidate candidate, const GemmCall& call, at::Tensor* buffer = nullptr);

}  // namespace fathom
