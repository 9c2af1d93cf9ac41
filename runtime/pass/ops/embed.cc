#include "runtime/pass/ops/embed.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/index_select.h>

namespace fathom::ops {

void Embed(const OpTable& table, const Encoder& encoder,
           absl::Span<const TokenizedText* const> texts, at::Tensor& out) {
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
  const at::Tensor word_rows = at::index_select(from.words, 0, indices[0]);
  const at::Tensor place_rows = at::index_select(from.positions, 0, indices[1]) +
                                at::index_select(from.segments, 0, indices[2]);
  const EpilogueSegment all{.count = static_cast<int32_t>(rows)};
  table.residual_norm({.dense = word_rows,
                       .residual = place_rows,
                       .segments = {&all, 1},
                       .norm = from.norm,
                       .epsilon = encoder.config().layer_norm_eps},
                      out);
}

}  // namespace fathom::ops
