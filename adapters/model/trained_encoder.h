// TrainedEncoder: an encoder all of whose weights are trained, for full fine-tuning.
#pragma once

#include <array>
#include <vector>

#include "adapters/model/differentiable_encoder.h"
#include "runtime/model/tensor_file.h"

namespace fathom::training {

class TrainedEncoder : public DifferentiableEncoder {
 public:
  // Starts from copies of the weights of `encoder`, which has plain ones.
  explicit TrainedEncoder(const Encoder& encoder);

  const EncoderConfig& config() const override { return config_; }
  at::Tensor Embed(absl::Span<const TokenizedText* const> texts) const override;
  at::Tensor Apply(int layer, Product product, const at::Tensor& x) const override;
  const LayerNormWeights& norm(int layer, Place place) const override;
  ClsWeights cls_weights() const override;

  // The trained tensors by their names in a model file, with a layer's query, key and value as one
  // tensor "attention.self.query_key_value".
  const TensorMap& named() const { return named_; }

  // Copies by the names of a Hugging Face file, "embeddings.…" and "encoder.layer.…", without
  // gradients.
  TensorMap FileTensors() const;

 private:
  struct Dense {
    at::Tensor weight;  // [out, in]
    at::Tensor bias;    // [out]
  };
  struct Layer {
    std::array<Dense, kProductCount> products;
    std::array<LayerNormWeights, kPlaceCount> norms;
  };

  at::Tensor Train(const std::string& name, const at::Tensor& initial);
  LayerNormWeights TrainNorm(const std::string& prefix, const LayerNormWeights& initial);

  const EncoderConfig config_;
  TensorMap named_;
  Embeddings embeddings_;
  std::vector<Layer> layers_;
};

}  // namespace fathom::training
