#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/layer_norm.h>

#include "runtime/pass/ops/reference_ops.h"

namespace fathom::ops {

void ReferenceEmbed(const Encoder& encoder, absl::Span<const TokenizedText* const> texts,
                    at::Tensor& out) {
  const int64_t rows = out.size(0);
  at::Tensor indices = at::empty({3, rows}, at::kInt);  // word, position, segment
  int32_t* words = indices.mutable_data_ptr<int32_t>();
  int32_t* positions = words + rows;
  int32_t* segments = positions + rows;
  for (const TokenizedText* text : texts) {
    for (size_t i = 0; i < text->ids.size(); ++i) {
      *words++ = text->ids[i];
      *positions++ = static_cast<int32_t>(i);
      *segments++ = text->segment_ids[i];
    }
  }
  const Embeddings& from = encoder.embeddings();
  indices = indices.to(out.device());
  const at::Tensor sum = at::index_select(from.words, 0, indices[0]) +
                         (at::index_select(from.positions, 0, indices[1]) +
                          at::index_select(from.segments, 0, indices[2]));
  out.copy_(at::layer_norm(sum, {out.size(1)}, from.norm.gamma, from.norm.beta,
                           encoder.config().layer_norm_eps));
}

}  // namespace fathom::ops
