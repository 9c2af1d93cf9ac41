// The operations of this CPU against plain ATen.
#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/abs.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/max.h>
#include <ATen/ops/randn.h>
#include <c10/core/InferenceMode.h>
#include <c10/util/Exception.h>

#include <cmath>
#include <random>
#include <vector>

#include "gtest/gtest.h"
#include "runtime/pass/ops/op_table.h"
#include "tests/support/random_model.h"

namespace fathom {
namespace {

constexpr float kTolerance = 1e-5f;

double MaxDifference(const at::Tensor& a, const at::Tensor& b) {
  return (a - b).abs().max().item<double>();
}

class CpuOpsTest : public testing::Test {
 protected:
  CpuOpsTest() : config_(SmallEncoderConfig()), encoder_(RandomEncoder(config_, 1)) {
    at::set_num_threads(1);
  }

  const c10::InferenceMode inference_;
  const EncoderConfig config_;
  const std::shared_ptr<const Encoder> encoder_;
};

// Some heads, the rows that each answers, and their logits one after another.
struct HeadCall {
  std::vector<Head> heads;
  std::vector<std::vector<int64_t>> rows;

  std::vector<float> Run(const ops::OpTable& table, const Encoder& encoder,
                         const at::Tensor& state) const {
    size_t size = 0;
    for (size_t i = 0; i < heads.size(); ++i) size += rows[i].size() * Outputs(i);
    std::vector<float> logits(size);
    std::vector<ops::HeadRows> calls;
    float* at = logits.data();
    for (size_t i = 0; i < heads.size(); ++i) {
      calls.push_back({&heads[i], rows[i], at});
      at += rows[i].size() * Outputs(i);
    }
    table.heads(calls, encoder, state);
    return logits;
  }

  size_t Outputs(size_t head) const {
    return static_cast<size_t>(heads[head].layers.back().weight.size(0));
  }
};

// One and two layers, with and without pooler and bias, rows that repeat.
HeadCall MixedHeads(int hidden) {
  HeadCall call;
  for (uint64_t seed = 0; seed < 6; ++seed) {
    call.heads.push_back(RandomHead(hidden, {"a", "b", "c"}, seed));
  }
  call.rows = {{3}, {0, 1, 2, 3, 4, 5, 6}, {6, 2}, {}, {2, 2, 5}, {4}};
  call.heads[1].use_pooler = true;
  call.heads[4].use_pooler = true;
  call.heads[2].layers.erase(call.heads[2].layers.begin());
  call.heads[4].layers.erase(call.heads[4].layers.begin());
  call.heads[4].layers[0].bias = at::Tensor();
  call.heads[5].activation = Activation::kGelu;
  call.heads[5].layers.insert(call.heads[5].layers.begin(),
                              RandomHead(hidden, {"a"}, 9).layers[0]);  // three layers
  return call;
}

TEST_F(CpuOpsTest, HeadsEqualEachHeadAlone) {
  const at::Tensor state = at::randn({7, config_.hidden_size});
  const HeadCall call = MixedHeads(config_.hidden_size);
  const std::vector<float> expected = call.Run(ops::ReferenceOps(), *encoder_, state);
  for (int repeat = 0; repeat < 2; ++repeat) {  // with new and with used buffers
    const std::vector<float> actual = call.Run(ops::CpuOps(), *encoder_, state);
    for (size_t i = 0; i < expected.size(); ++i) {
      ASSERT_NEAR(actual[i], expected[i], kTolerance) << "logit " << i;
    }
  }
}

TEST_F(CpuOpsTest, ANanInAHeadStaysInItsLogits) {
  const at::Tensor state = at::randn({7, config_.hidden_size});
  HeadCall call = MixedHeads(config_.hidden_size);
  const std::vector<float> clean = call.Run(ops::CpuOps(), *encoder_, state);
  call.heads[1].layers[0].weight[3][5] = NAN;
  const std::vector<float> out = call.Run(ops::CpuOps(), *encoder_, state);
  for (size_t i = 0; i < out.size(); ++i) {
    const bool broken = i >= 3 && i < 3 + 7 * 3;
    ASSERT_EQ(std::isnan(out[i]), broken) << "logit " << i;
    if (!broken) {
      ASSERT_EQ(out[i], clean[i]) << "logit " << i;
    }
  }
}

TEST_F(CpuOpsTest, HeadsRefuseRowsOutsideOfTheState) {
  const at::Tensor state = at::randn({6, config_.hidden_size});  // row 6 is missing
  const HeadCall call = MixedHeads(config_.hidden_size);
  EXPECT_THROW(call.Run(ops::CpuOps(), *encoder_, state), c10::Error);
}

TEST_F(CpuOpsTest, ClsAttentionEqualsTheReference) {
  const at::Tensor x = at::randn({40, config_.hidden_size});
  for (const std::vector<Rows>& blocks :
       {std::vector<Rows>{{0, 5}, {5, 1}, {9, 30}, {5, 1}}, std::vector<Rows>{{39, 1}}}) {
    at::Tensor expected = at::empty({static_cast<int64_t>(blocks.size()), config_.hidden_size});
    at::Tensor actual = at::empty_like(expected);
    ops::ReferenceOps().cls_attention(encoder_->cls_projections(), x, blocks, expected);
    ops::CpuOps().cls_attention(encoder_->cls_projections(), x, blocks, actual);
    EXPECT_LE(MaxDifference(actual, expected), kTolerance);
  }
}

TEST_F(CpuOpsTest, EmbedEqualsTheReferenceAndRefusesUnknownIds) {
  std::mt19937 random(1);
  TokenizedText a = RandomText(config_, 9, random);
  const TokenizedText b = RandomText(config_, 1, random);
  at::Tensor expected = at::empty({10, config_.hidden_size});
  at::Tensor actual = at::empty_like(expected);
  ops::ReferenceOps().embed(*encoder_, {&a, &b}, expected);
  ops::CpuOps().embed(*encoder_, {&a, &b}, actual);
  EXPECT_LE(MaxDifference(actual, expected), kTolerance);
  a.ids[3] = config_.vocab_size;
  EXPECT_THROW(ops::CpuOps().embed(*encoder_, {&a, &b}, actual), c10::Error);
  a.ids[3] = -1;
  EXPECT_THROW(ops::CpuOps().embed(*encoder_, {&a, &b}, actual), c10::Error);
}

}  // namespace
}  // namespace fathom
