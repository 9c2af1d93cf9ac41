#include "tests/bench/gemm_rates.h"

#include <ATen/ops/linear.h>
#include <ATen/ops/rand.h>
#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <limits>
#include <memory>
#include <numeric>

#include "tests/bench/measure.h"

namespace fathom::bench {
namespace {

constexpr std::array<int64_t, 10> kRows = {1, 2, 4, 8, 16, 32, 64, 128, 256, 512};

Linear WithoutActivation(const Linear& linear) {
  if (linear.activation() == Activation::kIdentity) return linear;
  return Linear(linear.weight(), linear.bias(), Activation::kIdentity,
                {.gemm = std::make_shared<const GemmChoice>(linear.gemm()),
                 .plain_weights = PlainWeights::kKeep});
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
      for (size_t i = 0; i < layers_.size(); ++i) {
        for (size_t gemm = 0; gemm < kGemms; ++gemm) {
          const Linear& linear = layers_[i][gemm];
          const at::Tensor x = (gemm + 1 < kGemms ? narrow_ : wide_).narrow(0, 0, rows);
          const double ms = MsOf(
              [&] { form == kPacked ? linear(x) : at::linear(x, linear.weight(), linear.bias()); });
          std::vector<double>& best = best_[rows][form][gemm];
          best.resize(layers_.size(), std::numeric_limits<double>::infinity());
          best[i] = std::min(best[i], ms);
        }
      }
    }
  }
}

RateCurve GemmRates::Curve() const {
  RateCurve curve;
  for (const auto& [rows, forms] : best_) {
    double ms = 0;
    for (size_t gemm = 0; gemm < kGemms; ++gemm) {
      const auto all_layers = [gemm](const auto& form) {
        return std::accumulate(form[gemm].begin(), form[gemm].end(), 0.0);
      };
      ms += std::min(all_layers(forms[kPacked]), all_layers(forms[kPlain]));
    }
    const double flops = LayerFlops(rows, sizes_) * static_cast<double>(layers_.size());
    curve.push_back({rows, flops / (ms * 1e6)});
  }
  return curve;
}

}  // namespace fathom::bench
