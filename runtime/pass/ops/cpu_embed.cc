#include <ATen/Parallel.h>
#include <c10/util/Exception.h>

#include <algorithm>
#include <vector>

#include "kernels/kernels.h"
#include "runtime/pass/ops/cpu_checks.h"
#include "runtime/pass/ops/cpu_ops.h"

namespace fathom::ops {
namespace {

void CheckIds(const std::vector<int32_t>& ids, int64_t limit, const char* name) {
  const auto is_known = [limit](int32_t id) { return id >= 0 && id < limit; };
  TORCH_CHECK(std::all_of(ids.begin(), ids.end(), is_known), "a text has a ", name,
              " outside of the encoder's ", limit);
}

}  // namespace

void CpuEmbed(const Encoder& encoder, absl::Span<const TokenizedText* const> texts,
              at::Tensor& out) {
  const Embeddings& from = encoder.embeddings();
  const int64_t hidden = out.size(1);
  CheckMatrix(out, hidden, "out");
  CheckMatrix(from.words, hidden, "words");
  CheckMatrix(from.positions, hidden, "positions");
  CheckMatrix(from.segments, hidden, "segments");
  CheckVector(from.norm.gamma, hidden, "gamma");
  CheckVector(from.norm.beta, hidden, "beta");
  thread_local std::vector<kernels::EmbedText> list;  // grows, then is reused
  list.clear();
  int64_t rows = 0;
  for (const TokenizedText* text : texts) {
    const auto tokens = static_cast<int64_t>(text->ids.size());
    TORCH_CHECK(text->segment_ids.size() == text->ids.size(), "a text of ", tokens, " tokens has ",
                text->segment_ids.size(), " segment ids");
    CheckIds(text->ids, from.words.size(0), "word");
    CheckIds(text->segment_ids, from.segments.size(0), "segment");
    CheckRows(0, tokens, from.positions, "positions");
    list.push_back({text->ids.data(), text->segment_ids.data(), tokens});
    rows += tokens;
  }
  CheckRows(0, rows, out, "out");
  kernels::CpuKernels().embed_layer_norm(
      {.texts = list.data(),
       .text_count = static_cast<int64_t>(list.size()),
       .words = from.words.const_data_ptr<float>(),
       .positions = from.positions.const_data_ptr<float>(),
       .segments = from.segments.const_data_ptr<float>(),
       .out = out.mutable_data_ptr<float>(),
       .hidden_size = hidden,
       .gamma = from.norm.gamma.const_data_ptr<float>(),
       .beta = from.norm.beta.const_data_ptr<float>(),
       .epsilon = static_cast<float>(encoder.config().layer_norm_eps)},
      at::get_num_threads());
}

}  // namespace fathom::ops
