// FrozenEncoder: the served encoder in differentiable form. Gradients pass through it and none are
// made for its weights.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <vector>

#include "adapters/model/differentiable_encoder.h"
#include "adapters/model/frozen_linear.h"

namespace fathom::training {

class FrozenEncoder : public DifferentiableEncoder {
 public:
  // `encoder` has plain weights. No gradient is wanted of what stands before `lowest`.
  FrozenEncoder(std::shared_ptr<const Encoder> encoder, Fork lowest);

  const EncoderConfig& config() const override { return encoder_->config(); }
  at::Tensor Embed(absl::Span<const TokenizedText* const> texts) const override;
  at::Tensor Apply(int layer, Product product, const at::Tensor& x) const override;
  const LayerNormWeights& norm(int layer, Place place) const override;
  ClsWeights cls_weights() const override { return cls_weights_; }

  // Packed weights that only training has.
  int64_t packed_bytes() const;

 private:
  const Linear& linear(int layer, Product product) const;
  bool NeedsGradient(int layer, Product product, Fork lowest) const;

  const std::shared_ptr<const Encoder> encoder_;
  // By layer and product; nothing where no gradient passes.
  std::vector<std::array<std::optional<FrozenLinear>, kProductCount>> layers_;
  ClsWeights cls_weights_;
};

}  // namespace fathom::training
