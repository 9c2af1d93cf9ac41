#include "adapters/model/branch_attention.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace fathom::training {
namespace {

constexpr int64_t kHeads = 2;
constexpr int64_t kHeadSize = 4;
constexpr int64_t kHidden = kHeads * kHeadSize;

// Texts of 3, 3 and 5 tokens.
PackedTexts Texts() {
  return {.groups = {{2, 3}, {1, 5}},
          .group_rows = {6, 5},
          .cls_rows = at::tensor(std::vector<int64_t>{0, 3, 6})};
}

// Softmax over keys, text by text and head by head, as it is written in the paper.
at::Tensor PlainAttention(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value) {
  std::vector<at::Tensor> heads;
  for (int64_t head = 0; head < kHeads; ++head) {
    const auto part = [&](const at::Tensor& x) { return x.narrow(1, head * kHeadSize, kHeadSize); };
    const at::Tensor scores = at::matmul(part(query), part(key).t()) / std::sqrt(kHeadSize);
    heads.push_back(at::matmul(at::softmax(scores, -1), part(value)));
  }
  return at::cat(heads, 1);
}

struct Weights {
  at::Tensor query = at::randn({kHidden, kHidden});
  at::Tensor query_bias = at::randn({kHidden});
  at::Tensor key = at::randn({kHidden, kHidden});
  at::Tensor key_bias = at::randn({kHidden});
  at::Tensor value = at::randn({kHidden, kHidden});
  at::Tensor value_bias = at::randn({kHidden});

  ClsWeights by_head() const {
    return {.query = query,
            .query_bias = query_bias,
            .key = key.view({kHeads, kHeadSize, kHidden}),
            .value = value.view({kHeads, kHeadSize, kHidden}),
            .value_bias = value_bias.view({kHeads, 1, kHeadSize})};
  }
};

void ExpectClose(const at::Tensor& a, const at::Tensor& b) {
  EXPECT_LE((a - b).abs().max().item<float>(), 2e-5f * (1 + b.abs().max().item<float>()));
}

TEST(ClsAttention, ValueAndGradientsAreThoseOfThePlainForm) {
  const Weights weights;
  Dropout dropout(1);
  const PackedTexts texts = Texts();
  const at::Tensor result_gradient = at::randn({3, kHidden});

  const at::Tensor x = at::randn({11, kHidden}).set_requires_grad(true);
  const at::Tensor cls = at::index_select(x, 0, texts.cls_rows);
  const at::Tensor absorbed =
      ClsAttention(weights.by_head(), x, cls,
                   {.texts = texts, .heads = kHeads, .dropout_rate = 0, .dropout = dropout});
  absorbed.backward(result_gradient);

  const at::Tensor plain_x = x.detach().clone().set_requires_grad(true);
  std::vector<at::Tensor> contexts;
  for (const auto& [first, count] : {std::pair{0, 3}, {3, 3}, {6, 5}}) {
    const at::Tensor rows = plain_x.narrow(0, first, count);
    contexts.push_back(
        PlainAttention(at::linear(rows.narrow(0, 0, 1), weights.query, weights.query_bias),
                       at::linear(rows, weights.key, weights.key_bias),
                       at::linear(rows, weights.value, weights.value_bias)));
  }
  const at::Tensor plain = at::cat(contexts);
  plain.backward(result_gradient);

  ExpectClose(absorbed.detach(), plain.detach());
  ExpectClose(x.grad(), plain_x.grad());
}

TEST(ClsAttention, DropoutOfTheWeightsDropsTheValueBiasAlike) {
  Weights weights;
  weights.value.zero_();
  weights.value_bias.fill_(1);
  Dropout dropout(1);
  const PackedTexts texts = Texts();
  const at::Tensor x = at::randn({11, kHidden});
  const at::Tensor context =
      ClsAttention(weights.by_head(), x, at::index_select(x, 0, texts.cls_rows),
                   {.texts = texts, .heads = kHeads, .dropout_rate = 0.5, .dropout = dropout});
  EXPECT_GT((context - 1).abs().max().item<float>(), 0.05f) << "the sum of weights is not 1";
}

TEST(SelfAttention, ValueAndGradientsAreThoseOfThePlainForm) {
  Dropout dropout(1);
  const PackedTexts texts = Texts();
  const at::Tensor result_gradient = at::randn({11, kHidden});
  const at::Tensor rows = at::randn({11, 3 * kHidden}).set_requires_grad(true);
  const at::Tensor context =
      SelfAttention(rows, {.texts = texts, .heads = kHeads, .dropout_rate = 0, .dropout = dropout});
  context.backward(result_gradient);

  const at::Tensor plain_rows = rows.detach().clone().set_requires_grad(true);
  std::vector<at::Tensor> contexts;
  for (const auto& [first, count] : {std::pair{0, 3}, {3, 3}, {6, 5}}) {
    const std::vector<at::Tensor> parts = plain_rows.narrow(0, first, count).split(kHidden, 1);
    contexts.push_back(PlainAttention(parts[0], parts[1], parts[2]));
  }
  const at::Tensor plain = at::cat(contexts);
  plain.backward(result_gradient);
  ExpectClose(context.detach(), plain.detach());
  ExpectClose(rows.grad(), plain_rows.grad());
}

}  // namespace
}  // namespace fathom::training
