#include "tests/bench/gemm_rates.h"

#include <ATen/ops/linear.h>
#include <ATen/ops/rand.h>
#include <c10/core/InferenceMode.h>

#include <algorithm>

#include "tests/bench/measure.h"

namespace fathom::bench {
namespace {

constexpr std::array<int64_t, 10> kRows = {1, 2, 4, 8, 16, 32, 64, 128, 256, 512};

Linear WithoutActivation(const Linear& linear) {
  if (linear.activation() == Activation::kIdentity) return linear;
  return Linear(linear.weight(), linear.bias(), Activation::kIdentity, PlainWeights::kKeep);
}

}  // namespace

GemmRates::GemmRates(const Encoder& encoder, const ModelSizes& sizes)
    : sizes_(sizes),
      narrow_(at::rand({kRows.back(), sizes.hidden})),
      wide_(at::rand({kRows.back(), sizes.intermediate})) {
  for (int i = 0; i < encoder.config().layers; ++i) {
    const EncoderLayer& layer = encoder.layer(i);
    layers_.push_back({layer.query_key_value, layer.attention_dense,
                       WithoutActivation(layer.ffn_in), layer.ffn_out});
  }
}

void GemmRates::Round() {
  const c10::InferenceMode inference;
  for (const int64_t rows : kRows) {
    for (const Form form : {kPacked, kPlain}) {
      std::array<double, kGemms> ms{};
      for (const auto& layer : layers_) {
        for (size_t gemm = 0; gemm < kGemms; ++gemm) {
          const Linear& linear = layer[gemm];
          const at::Tensor x = (gemm + 1 < kGemms ? narrow_ : wide_).narrow(0, 0, rows);
          ms[gemm] += MsOf(
              [&] { form == kPacked ? linear(x) : at::linear(x, linear.weight(), linear.bias()); });
        }
      }
      for (size_t gemm = 0; gemm < kGemms; ++gemm) {
        samples_[rows][form][gemm].push_back(ms[gemm]);
      }
    }
  }
}

RateCurve GemmRates::Curve() const {
  RateCurve curve;
  for (const auto& [rows, forms] : samples_) {
    double ms = 0;
    for (size_t gemm = 0; gemm < kGemms; ++gemm) {
      ms += std::min(Median(forms[kPacked][gemm]), Median(forms[kPlain][gemm]));
    }
    const double flops = LayerFlops(rows, sizes_) * static_cast<double>(layers_.size());
    curve.push_back({rows, flops / (ms * 1e6)});
  }
  return curve;
}

}  // namespace fathom::bench
