#include "adapters/model/frozen_linear.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/randn.h>
#include <gtest/gtest.h>

#include <memory>

#include "runtime/model/gemm.h"
#include "runtime/pass/ops/activation.h"

namespace fathom::training {
namespace {

constexpr int64_t kRows = 19;
constexpr int64_t kIn = 24;
constexpr int64_t kOut = 40;

Linear MakeLinear(Activation activation, Precision precision) {
  return Linear(
      at::randn({kOut, kIn}), at::randn({kOut}), activation,
      {.gemm = std::make_shared<const GemmChoice>(StaticGemmChoice(activation, precision)),
       .plain_weights = PlainWeights::kKeep});
}

// The largest difference of value and input gradient from ATen's, against the largest value.
void ExpectLikeAten(Activation activation, Precision precision, float tolerance) {
  const Linear linear = MakeLinear(activation, precision);
  const FrozenLinear frozen(linear);
  const at::Tensor result_gradient = at::randn({kRows, kOut});
  const at::Tensor x = at::randn({kRows, kIn}).set_requires_grad(true);
  const at::Tensor y = frozen(x);
  y.backward(result_gradient);

  const at::Tensor plain_x = x.detach().clone().set_requires_grad(true);
  const at::Tensor plain =
      ops::Activate(at::linear(plain_x, linear.weight(), linear.bias()), activation);
  plain.backward(result_gradient);
  const auto error = [](const at::Tensor& a, const at::Tensor& b) {
    return ((a - b).abs().max() / b.abs().max()).item<float>();
  };
  EXPECT_LE(error(y.detach(), plain.detach()), tolerance);
  EXPECT_LE(error(x.grad(), plain_x.grad()), tolerance);
  EXPECT_FALSE(linear.weight().grad().defined());
}

TEST(FrozenLinear, ValueAndInputGradientAreAtens) {
  for (const Activation activation : {Activation::kIdentity, Activation::kGelu, Activation::kRelu,
                                      Activation::kGeluTanh, Activation::kSilu}) {
    SCOPED_TRACE(int{static_cast<uint8_t>(activation)});
    ExpectLikeAten(activation, Precision::kFp32, 1e-5f);
  }
}

TEST(FrozenLinear, InBf16ValueAndGradientAreNear) {
  if (!HasBf16()) GTEST_SKIP() << "this CPU has no bf16";
  ExpectLikeAten(Activation::kIdentity, Precision::kBf16, 0.02f);
  ExpectLikeAten(Activation::kGelu, Precision::kBf16, 0.03f);
}

TEST(FrozenLinear, CountsWhatItPacks) {
  const Linear plain = MakeLinear(Activation::kIdentity, Precision::kFp32);
  EXPECT_EQ(FrozenLinear(plain).packed_bytes(), kIn * kOut * 4);
  const Linear activated = MakeLinear(Activation::kGelu, Precision::kFp32);
  EXPECT_EQ(FrozenLinear(activated).packed_bytes(), 2 * kIn * kOut * 4);
}

}  // namespace
}  // namespace fathom::training
