// Encoder: the frozen weights of a BERT-family transformer. Immutable after load, shared read-only
// by every worker and by the trainer.
#pragma once

#include <ATen/core/Tensor.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "runtime/model/encoder_config.h"
#include "runtime/model/gemm_choice.h"
#include "runtime/model/linear.h"
#include "runtime/model/tensor_file.h"

namespace fathom {

struct LayerNormWeights {
  at::Tensor gamma;  // [H]
  at::Tensor beta;   // [H]
};

struct EncoderLayer {
  Linear query_key_value;  // [3H, H]
  Linear attention_dense;  // [H, H]
  LayerNormWeights attention_norm;
  Linear ffn_in;   // [I, H], with the encoder's activation
  Linear ffn_out;  // [H, I]
  LayerNormWeights ffn_norm;
};

// The last layer's query, key and value projections a head, for passes that read only [CLS] rows of
// its result (ops::OpTable::cls_attention). Shapes: [heads, H / heads, …].
struct ClsProjections {
  Linear query;           // [H, H]
  at::Tensor key;         // [heads, H / heads, H]
  at::Tensor value;       // [heads, H / heads, H]
  at::Tensor value_bias;  // [heads, 1, H / heads]
};

struct Embeddings {
  at::Tensor words;      // [vocabulary, H]
  at::Tensor positions;  // [max_positions, H]
  at::Tensor segments;   // [segment_types, H]
  LayerNormWeights norm;
};

class Encoder {
 public:
  // From a Hugging Face folder: config.json and model.safetensors or a sharded index. Tensor names
  // with and without "bert.", "gamma"/"beta" for LayerNorms; fp32, fp16 or bf16 on disk, fp32 here.
  // INVALID_ARGUMENT names the missing or mis-shaped tensor with both shapes.
  // `gemms` says how the layers multiply; a shape that it does not name takes StaticGemmChoice.
  static absl::StatusOr<std::shared_ptr<const Encoder>> Load(const std::string& folder,
                                                             PlainWeights plain_weights,
                                                             const GemmTable& gemms = {});

  // From tensors that are already in memory. They may be dropped afterwards.
  static absl::StatusOr<std::shared_ptr<const Encoder>> FromTensors(const EncoderConfig& config,
                                                                    const TensorMap& tensors,
                                                                    PlainWeights plain_weights,
                                                                    const GemmTable& gemms = {});

  // The folder's config.json, as Load reads it.
  static absl::StatusOr<EncoderConfig> LoadConfig(const std::string& folder);

  const EncoderConfig& config() const { return config_; }
  const Embeddings& embeddings() const { return embeddings_; }
  const EncoderLayer& layer(int index) const { return layers_[static_cast<size_t>(index)]; }
  const ClsProjections& cls_projections() const { return *cls_projections_; }
  // The tanh pooler of the checkpoint, for heads with use_pooler. Some checkpoints have none.
  const std::optional<Linear>& pooler() const { return pooler_; }
  // Hex; equal for equal sizes and fp32 values of the weights.
  const std::string& fingerprint() const { return fingerprint_; }

 private:
  Encoder() = default;

  EncoderConfig config_;
  Embeddings embeddings_;
  std::vector<EncoderLayer> layers_;
  std::optional<ClsProjections> cls_projections_;
  std::optional<Linear> pooler_;
  std::string fingerprint_;
};

}  // namespace fathom
