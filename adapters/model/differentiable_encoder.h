// DifferentiableEncoder: the layers of an encoder as Branch computes them, whether their weights
// are frozen or trained.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "absl/types/span.h"
#include "runtime/model/encoder.h"
#include "runtime/task/site.h"
#include "runtime/text/text.h"

namespace fathom::training {

// The dense layers inside an encoder layer.
enum class Product : uint8_t { kQueryKeyValue, kAttentionDense, kFfnIn, kFfnOut };
inline constexpr int kProductCount = 4;

// The last layer's projections a head, as ClsProjections: d = H / heads.
struct ClsWeights {
  at::Tensor query;       // [H, H]
  at::Tensor query_bias;  // [H]
  at::Tensor key;         // [heads, d, H]
  at::Tensor value;       // [heads, d, H]
  at::Tensor value_bias;  // [heads, 1, d]
};

// Const functions may be called from several threads at once.
class DifferentiableEncoder {
 public:
  virtual ~DifferentiableEncoder() = default;

  virtual const EncoderConfig& config() const = 0;

  // The rows that enter layer 0, without dropout: those of all texts in order, [R, H].
  virtual at::Tensor Embed(absl::Span<const TokenizedText* const> texts) const = 0;

  // x [R, in] -> activation(x Wᵀ + b) [R, out].
  virtual at::Tensor Apply(int layer, Product product, const at::Tensor& x) const = 0;

  virtual const LayerNormWeights& norm(int layer, Place place) const = 0;

  virtual ClsWeights cls_weights() const = 0;
};

}  // namespace fathom::training
