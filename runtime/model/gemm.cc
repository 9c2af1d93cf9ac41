#include "runtime/model/gemm.h"

#include <ATen/Version.h>
#include <ATen/cpu/Utils.h>
#include <ATen/ops/addmm.h>
#include <ATen/ops/empty.h>
#include <c10/core/InferenceMode.h>
#include <c10/util/Exception.h>

#include "runtime/model/onednn.h"
#include "runtime/pass/ops/activation.h"
#include "runtime/pass/ops/packed_dense.h"

namespace fathom {
namespace {

// oneDNN computes GELU inside the GEMM well with AVX-512 only: on AVX2 its fused form costs more
// than a pass of ATen's over the result.
bool FusesWell(Activation activation) {
  if (!onednn::CanFuse(activation)) return false;
  return activation == Activation::kRelu || at::get_cpu_capability() == "AVX512";
}

bool HasCapability(const char* name) {
  const auto all = at::cpu::get_cpu_capabilities();
  const auto found = all.find(name);
  return found != all.end() && found->second.isBool() && found->second.toBool();
}

at::Tensor PlainGemm(const GemmCall& call, at::Tensor* buffer) {
  if (buffer == nullptr) return at::addmm(call.bias, call.x, call.weight.t());
  at::addmm_out(*buffer, call.bias, call.x, call.weight.t());
  return *buffer;
}

at::Tensor PackedGemm(const GemmCall& call, at::Tensor* buffer) {
  at::Tensor y = buffer != nullptr
                     ? *buffer
                     : at::empty({call.x.size(0), call.bias.size(0)}, call.x.options());
  ops::PackedDense(call.x, call.weight, call.bias, call.activation, y);
  return y;
}

at::Tensor OneDnnGemm(const GemmCall& call, bool bf16, Activation fused) {
  const at::Tensor x = bf16 ? call.x.to(at::kBFloat16) : call.x;
  return onednn::Linear(x, call.weight, call.bias, fused);
}

}  // namespace

bool HasBf16() {
  static const bool has =
      onednn::Available() && (HasCapability("avx512_bf16") || HasCapability("amx_bf16"));
  return has;
}

std::vector<GemmCandidate> GemmCandidates(Activation activation, Precision precision) {
  std::vector<GemmCandidate> candidates;
  const auto add_onednn = [&](GemmForm form) {
    candidates.push_back({form, false});
    if (onednn::CanFuse(activation)) candidates.push_back({form, true});
  };
  if (precision == Precision::kBf16) {
    if (HasBf16()) add_onednn(GemmForm::kOneDnnBf16);
    return candidates;
  }
  candidates.push_back({GemmForm::kPlain, false});
  if (onednn::Available()) add_onednn(GemmForm::kOneDnn);
  candidates.push_back({GemmForm::kPackedDense, true});
  return candidates;
}

GemmChoice StaticGemmChoice(Activation activation, Precision precision) {
  if (precision == Precision::kBf16) {
    return GemmChoice({GemmForm::kOneDnnBf16, onednn::CanFuse(activation)});
  }
  if (!onednn::Available()) return GemmChoice({GemmForm::kPlain, false});
  return GemmChoice({GemmForm::kOneDnn, FusesWell(activation)});
}

at::Tensor PackGemmWeight(const at::Tensor& weight, GemmForm form) {
  const c10::InferenceMode inference;
  switch (form) {
    case GemmForm::kPlain:
      return weight;
    case GemmForm::kOneDnn:
      return onednn::PackWeight(weight);
    case GemmForm::kOneDnnBf16:
      return onednn::PackWeight(weight.to(at::kBFloat16));
    case GemmForm::kPackedDense:
      return ops::PackDense(weight);
  }
  TORCH_CHECK(false, "an unknown form of a GEMM");
}

at::Tensor RunGemm(GemmCandidate candidate, const GemmCall& call, at::Tensor* buffer) {
  const Activation fused = candidate.fused_activation ? call.activation : Activation::kIdentity;
  at::Tensor y;
  switch (candidate.form) {
    case GemmForm::kPlain:
      y = PlainGemm(call, buffer);
      break;
    case GemmForm::kOneDnn:
    case GemmForm::kOneDnnBf16:
      y = OneDnnGemm(call, candidate.form == GemmForm::kOneDnnBf16, fused);
      break;
    case GemmForm::kPackedDense:
      y = PackedGemm(call, buffer);
      break;
  }
  if (!candidate.fused_activation) ops::ActivateInPlace(y, call.activation);
  return y.to(call.result);
}

}  // namespace fathom
