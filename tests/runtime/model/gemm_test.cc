#include "runtime/model/gemm.h"

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/linear.h>

#include "gtest/gtest.h"
#include "runtime/model/calibration.h"
#include "runtime/model/gemm_timing.h"
#include "runtime/model/linear.h"
#include "runtime/pass/ops/activation.h"
#include "tests/support/random_model.h"

namespace fathom {
namespace {

constexpr Activation kActivations[] = {
    Activation::kIdentity, Activation::kRelu, Activation::kGelu,    Activation::kGeluTanh,
    Activation::kSilu,     Activation::kTanh, Activation::kSigmoid, Activation::kLeakyRelu};

std::vector<Precision> Precisions() {
  std::vector<Precision> all = {Precision::kFp32};
  if (HasBf16()) all.push_back(Precision::kBf16);
  return all;
}

class EveryCandidate : public ::testing::Test {
 protected:
  const std::shared_ptr<const Encoder> encoder_ = RandomEncoder(SmallEncoderConfig(), 5);
  const at::Tensor weight_ = encoder_->layer(0).ffn_in.weight();
  const at::Tensor bias_ = encoder_->layer(0).ffn_in.bias();

  at::Tensor Rows(int64_t rows) const {
    return encoder_->embeddings().words.narrow(0, 0, rows).contiguous();
  }
};

TEST_F(EveryCandidate, EqualsThePlainForm) {
  for (const Precision precision : Precisions()) {
    const double tolerance = precision == Precision::kBf16 ? 3e-2 : 1e-5;
    for (const Activation activation : kActivations) {
      for (const GemmCandidate candidate : GemmCandidates(activation, precision)) {
        const at::Tensor packed = PackGemmWeight(weight_, candidate.form);
        for (const int64_t rows : {0, 1, 3, 70}) {
          const at::Tensor x = Rows(rows);
          const at::Tensor y = RunGemm(
              candidate, {.x = x, .weight = packed, .bias = bias_, .activation = activation});
          const at::Tensor expected = ops::Activate(at::linear(x, weight_, bias_), activation);
          EXPECT_EQ(y.scalar_type(), at::kFloat);
          EXPECT_TRUE(y.allclose(expected, tolerance, tolerance))
              << GemmFormName(candidate.form) << candidate.fused_activation << " "
              << ActivationName(activation) << ", " << rows << " rows";
        }
      }
    }
  }
}

TEST_F(EveryCandidate, ReturnsTheBufferWhereItWritesIntoIt) {
  const at::Tensor x = Rows(5);
  const at::Tensor expected = ops::Activate(at::linear(x, weight_, bias_), Activation::kGelu);
  for (const GemmCandidate candidate : GemmCandidates(Activation::kGelu, Precision::kFp32)) {
    const Linear linear(
        weight_, bias_, Activation::kGelu,
        Linear::Options{.gemm = std::make_shared<const GemmChoice>(GemmChoice(candidate))});
    at::Tensor buffer = at::empty_like(expected);
    const at::Tensor y = linear(x, buffer);
    EXPECT_TRUE(y.allclose(expected, 1e-5, 1e-5));
    EXPECT_EQ(y.data_ptr() == buffer.data_ptr(), candidate.form != GemmForm::kOneDnn);
  }
}

TEST_F(EveryCandidate, KeepsBf16BetweenTwoGemms) {
  if (!HasBf16()) GTEST_SKIP() << "no bf16 instructions";
  const auto choice =
      std::make_shared<const GemmChoice>(StaticGemmChoice(Activation::kIdentity, Precision::kBf16));
  const Linear first(weight_, bias_, Activation::kIdentity,
                     {.gemm = choice, .result = at::kBFloat16});
  EXPECT_EQ(first(Rows(4)).scalar_type(), at::kBFloat16);
  const Linear second(encoder_->layer(0).ffn_out.weight(), encoder_->layer(0).ffn_out.bias(),
                      Activation::kIdentity, {.gemm = choice});
  EXPECT_EQ(second(first(Rows(4))).scalar_type(), at::kFloat);
}

TEST_F(EveryCandidate, OutlivesTheGivenWeights) {
  at::Tensor weight = weight_.clone();
  const Linear linear(weight, bias_, Activation::kIdentity,
                      Linear::Options{.gemm = std::make_shared<const GemmChoice>(
                                          GemmChoice({GemmForm::kPlain, false}))});
  const at::Tensor expected = linear(Rows(3));
  weight.zero_();
  EXPECT_TRUE(linear(Rows(3)).equal(expected));
  EXPECT_FALSE(linear.weight().defined());
}

TEST(MeasureGemms, TimesEveryCandidateOfEveryShape) {
  const std::vector<Precision> precisions = Precisions();
  const std::vector<ShapeTimes> all =
      MeasureGemms(SmallEncoderConfig(), precisions, std::chrono::milliseconds(0));
  ASSERT_EQ(all.size(), precisions.size());
  for (size_t i = 0; i < all.size(); ++i) {
    EXPECT_EQ(all[i].size(), 4u);
    for (const auto& [shape, candidates] : all[i]) {
      EXPECT_EQ(candidates.size(), GemmCandidates(shape.activation, precisions[i]).size());
      for (const GemmTimes& one : candidates) {
        EXPECT_EQ(one.times.front().rows, 1);
        for (const RowTime& time : one.times) EXPECT_GT(time.ms, 0);
      }
    }
  }
}

}  // namespace
}  // namespace fathom
