#include "tests/bench/gemm_rates.h"

#include <ATen/ops/rand.h>
#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <limits>
#include <memory>
#include <numeric>

#include "runtime/model/gemm.h"
#include "tests/bench/measure.h"

namespace fathom::bench {
namespace {

constexpr std::array<int64_t, 10> kRows = {1, 2, 4, 8, 16, 32, 64, 128, 256, 512};

// The forms of the encoder's precision.
std::vector<Linear> AllForms(const Linear& linear) {
  const bool bf16 = linear.gemm().Uses(GemmForm::kOneDnnBf16);
  std::vector<Linear> forms;
  for (const GemmCandidate& candidate :
       GemmCandidates(Activation::kIdentity, bf16 ? Precision::kBf16 : Precision::kFp32)) {
    if (candidate.fused_activation && candidate.form != GemmForm::kPackedDense) continue;
    forms.emplace_back(linear.weight(), linear.bias(), Activation::kIdentity,
                       Linear::Options{.gemm = std::make_shared<const GemmChoice>(candidate)});
  }
  return forms;
}

}  // namespace

GemmRates::GemmRates(const Encoder& encoder, const ModelSizes& sizes)
    : sizes_(sizes),
      narrow_(at::rand({kRows.back(), sizes.hidden})),
      wide_(at::rand({kRows.back(), sizes.intermediate})) {
  for (int i = 0; i < encoder.config().layers; ++i) {
    const EncoderLayer& layer = encoder.layer(i);
    layers_.push_back({AllForms(layer.query_key_value), AllForms(layer.attention_dense),
                       AllForms(layer.ffn_in), AllForms(layer.ffn_out)});
  }
}

void GemmRates::Round() {
  const c10::InferenceMode inference;
  const size_t forms = layers_.front().front().size();
  for (const int64_t rows : kRows) {
    for (size_t form = 0; form < forms; ++form) {
      for (size_t i = 0; i < layers_.size(); ++i) {
        for (size_t gemm = 0; gemm < kGemms; ++gemm) {
          const Linear& linear = layers_[i][gemm][form];
          const at::Tensor x = (gemm + 1 < kGemms ? narrow_ : wide_).narrow(0, 0, rows);
          const double ms = MsOf([&] { linear(x); });
          std::vector<std::vector<double>>& by_form = best_[rows][gemm];
          by_form.resize(forms);
          by_form[form].resize(layers_.size(), std::numeric_limits<double>::infinity());
          by_form[form][i] = std::min(by_form[form][i], ms);
        }
      }
    }
  }
}

RateCurve GemmRates::Curve() const {
  RateCurve curve;
  for (const auto& [rows, gemms] : best_) {
    double ms = 0;
    for (const auto& forms : gemms) {
      double fastest = std::numeric_limits<double>::infinity();
      for (const std::vector<double>& layers : forms) {
        fastest = std::min(fastest, std::accumulate(layers.begin(), layers.end(), 0.0));
      }
      ms += fastest;
    }
    const double flops = LayerFlops(rows, sizes_) * static_cast<double>(layers_.size());
    curve.push_back({rows, flops / (ms * 1e6)});
  }
  return curve;
}

}  // namespace fathom::bench
