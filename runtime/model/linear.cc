#include "runtime/model/linear.h"

#include <utility>

#include "runtime/model/gemm.h"

namespace fathom {

Linear::Linear(at::Tensor weight, at::Tensor bias, Activation activation, Options options)
    : bias_(std::move(bias)),
      activation_(activation),
      result_(options.result),
      gemm_(std::move(options.gemm)) {
  if (gemm_ == nullptr) {
    gemm_ = std::make_shared<const GemmChoice>(StaticGemmChoice(activation, Precision::kFp32));
  }
  const bool keep = options.plain_weights == PlainWeights::kKeep;
  for (size_t form = 0; form < kGemmForms; ++form) {
    if (!gemm_->Uses(static_cast<GemmForm>(form))) continue;
    packed_[form] = PackGemmWeight(weight, static_cast<GemmForm>(form));
    // The plain form is a view of what was given: it must not hang on a file.
    if (packed_[form].is_same(weight) && !keep) packed_[form] = weight.clone();
  }
  if (keep) weight_ = std::move(weight);
}

at::Tensor Linear::Run(const at::Tensor& x, at::Tensor* buffer) const {
  const GemmCandidate candidate = gemm_->At(x.size(0));
  return RunGemm(candidate,
                 {.x = x,
                  .weight = packed_[static_cast<size_t>(candidate.form)],
                  .bias = bias_,
                  .activation = activation_,
                  .result = result_},
                 buffer);
}

}  // namespace fathom
