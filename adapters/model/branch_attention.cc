#include "adapters/model/branch_attention.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/bmm.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/softmax.h>

#include <cmath>
#include <vector>

namespace fathom::training {
namespace {

double Scale(int64_t head_size) { return 1 / std::sqrt(static_cast<double>(head_size)); }

// The last layer's [CLS] rows read the rows of their texts: q [B, heads, H] in the space of x.
struct Mixed {
  at::Tensor rows;     // [B, heads, H]: Σ p_j x_j
  at::Tensor weights;  // [B, heads, 1]: Σ p_j, which dropout moves away from 1
};

Mixed Mix(const at::Tensor& absorbed, const at::Tensor& x, const AttentionCall& call) {
  const std::vector<at::Tensor> blocks = x.split_with_sizes(call.texts.group_rows, 0);
  std::vector<at::Tensor> rows;
  std::vector<at::Tensor> sums;
  int64_t first_text = 0;
  for (size_t i = 0; i < blocks.size(); ++i) {
    const LengthGroup& group = call.texts.groups[i];
    const at::Tensor keys = blocks[i].view({group.texts, group.tokens, x.size(1)});
    const at::Tensor scores =
        at::bmm(absorbed.narrow(0, first_text, group.texts), keys.transpose(1, 2));
    const at::Tensor weights = call.dropout(at::softmax(scores, -1), call.dropout_rate);
    rows.push_back(at::bmm(weights, keys));
    sums.push_back(weights.sum(-1, /*keepdim=*/true));
    first_text += group.texts;
  }
  return {at::cat(rows), at::cat(sums)};
}

}  // namespace

at::Tensor SelfAttention(const at::Tensor& query_key_value, const AttentionCall& call) {
  const int64_t hidden = query_key_value.size(1) / 3;
  const int64_t head_size = hidden / call.heads;
  const std::vector<at::Tensor> blocks = query_key_value.split_with_sizes(call.texts.group_rows, 0);
  std::vector<at::Tensor> contexts;
  contexts.reserve(blocks.size());
  for (size_t i = 0; i < blocks.size(); ++i) {
    const LengthGroup& group = call.texts.groups[i];
    const std::vector<at::Tensor> parts =
        blocks[i]
            .view({group.texts, group.tokens, 3, call.heads, head_size})
            .permute({2, 0, 3, 1, 4})
            .unbind(0);
    const at::Tensor scores = at::matmul(parts[0] * Scale(head_size), parts[1].transpose(2, 3));
    const at::Tensor weights = call.dropout(at::softmax(scores, -1), call.dropout_rate);
    contexts.push_back(at::matmul(weights, parts[2]).transpose(1, 2).reshape({-1, hidden}));
  }
  return at::cat(contexts);
}

at::Tensor ClsAttention(const ClsWeights& weights, const at::Tensor& x, const at::Tensor& cls,
                        const AttentionCall& call) {
  const int64_t texts = cls.size(0);
  const int64_t hidden = x.size(1);
  const int64_t head_size = hidden / call.heads;
  // A product a head: heads come first in what bmm takes.
  const at::Tensor query = at::linear(cls, weights.query, weights.query_bias) * Scale(head_size);
  const at::Tensor absorbed =
      at::bmm(query.view({texts, call.heads, head_size}).transpose(0, 1), weights.key)
          .transpose(0, 1);
  const Mixed mixed = Mix(absorbed, x, call);
  const at::Tensor context = at::bmm(mixed.rows.transpose(0, 1), weights.value.transpose(1, 2)) +
                             weights.value_bias * mixed.weights.transpose(0, 1);
  return context.transpose(0, 1).reshape({texts, hidden});
}

}  // namespace fathom::training
