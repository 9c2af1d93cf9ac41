#include "adapters/train/optimizer.h"

#include <ATen/ops/full.h>
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace fathom::training {
namespace {

TensorMap TwoParameters() {
  return {{"a", at::tensor({1.0f, -2.0f}).requires_grad_()},
          {"b", at::tensor({3.0f}).requires_grad_()}};
}

void SetGradient(const at::Tensor& parameter, std::vector<float> values) {
  parameter.mutable_grad() = at::tensor(values);
}

// AdamW without weight decay, written out, for one number.
struct ByHand {
  double value;
  double mean = 0;
  double square = 0;
  int step = 0;

  void Step(double gradient, double rate) {
    ++step;
    mean = 0.9 * mean + 0.1 * gradient;
    square = 0.999 * square + 0.001 * gradient * gradient;
    const double corrected = mean / (1 - std::pow(0.9, step));
    value -= rate * corrected / (std::sqrt(square / (1 - std::pow(0.999, step))) + 1e-8);
  }
};

TEST(Optimizer, IsAdamWByHand) {
  const TensorMap parameters = TwoParameters();
  Optimizer optimizer(parameters, {});
  ByHand a{1.0};
  for (int step = 0; step < 5; ++step) {
    const float gradient = 0.1f * static_cast<float>(step + 1);
    SetGradient(parameters.at("a"), {gradient, 0});
    ASSERT_TRUE(optimizer.Step(0.01).ok());
    a.Step(static_cast<double>(gradient), 0.01);
    EXPECT_NEAR(parameters.at("a")[0].item<double>(), a.value, 1e-6);
  }
  EXPECT_EQ(parameters.at("a")[1].item<float>(), -2.0f) << "no weight decay";
}

TEST(Optimizer, ClipsTheNormOverAllParameters) {
  const TensorMap clipped = TwoParameters();
  const TensorMap scaled = TwoParameters();
  Optimizer first(clipped, {});
  Optimizer second(scaled, {});
  // Two steps: the first alone would be the same for every gradient's scale.
  for (const float size : {30.0f, 0.1f}) {
    SetGradient(clipped.at("a"), {size, 0});
    SetGradient(clipped.at("b"), {size * 4 / 3});
    ASSERT_TRUE(first.Step(0.01).ok());
    const float norm = size * 5 / 3;
    const float factor = norm > 1 ? 1 / norm : 1;
    SetGradient(scaled.at("a"), {size * factor, 0});
    SetGradient(scaled.at("b"), {size * 4 / 3 * factor});
    ASSERT_TRUE(second.Step(0.01).ok());
  }
  EXPECT_NEAR(clipped.at("a")[0].item<double>(), scaled.at("a")[0].item<double>(), 1e-5);
  EXPECT_NEAR(clipped.at("b").item<double>(), scaled.at("b").item<double>(), 1e-5);
}

TEST(Optimizer, LeavesParametersWithoutGradientAlone) {
  const TensorMap parameters = TwoParameters();
  Optimizer optimizer(parameters, {});
  SetGradient(parameters.at("a"), {1, 1});
  SetGradient(parameters.at("b"), {1});
  ASSERT_TRUE(optimizer.Step(0.01).ok());
  EXPECT_FALSE(parameters.at("b").grad().defined()) << "gradients are dropped after a step";
  const float b = parameters.at("b").item<float>();
  SetGradient(parameters.at("a"), {1, 1});
  ASSERT_TRUE(optimizer.Step(0.01).ok());
  EXPECT_EQ(parameters.at("b").item<float>(), b);
  EXPECT_EQ(optimizer.State().at("b.step").item<int64_t>(), 1);
  EXPECT_EQ(optimizer.State().at("a.step").item<int64_t>(), 2);
}

TEST(Optimizer, RefusesGradientsThatAreNotFinite) {
  const TensorMap parameters = TwoParameters();
  Optimizer optimizer(parameters, {});
  SetGradient(parameters.at("a"), {std::numeric_limits<float>::quiet_NaN(), 1});
  EXPECT_EQ(optimizer.Step(0.01).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(parameters.at("a")[1].item<float>(), -2.0f);
}

TEST(Optimizer, RestoredStateGoesOnExactly) {
  const TensorMap whole = TwoParameters();
  const TensorMap halves = TwoParameters();
  Optimizer uninterrupted(whole, {});
  Optimizer before(halves, {});
  Optimizer after(halves, {});
  for (int step = 0; step < 6; ++step) {
    if (step == 3) {
      ASSERT_TRUE(after.Restore(before.State()).ok());
    }
    for (const TensorMap* parameters : {&whole, &halves}) {
      SetGradient(parameters->at("a"), {0.1f * static_cast<float>(step), 0.2f});
    }
    ASSERT_TRUE(uninterrupted.Step(0.01).ok());
    ASSERT_TRUE((step < 3 ? before : after).Step(0.01).ok());
  }
  EXPECT_TRUE(whole.at("a").equal(halves.at("a")));
}

TEST(Optimizer, RefusesTheStateOfOtherParameters) {
  Optimizer optimizer(TwoParameters(), {});
  EXPECT_FALSE(optimizer.Restore({{"c.step", at::full({}, 1, at::kLong)}}).ok());
  EXPECT_FALSE(optimizer
                   .Restore({{"a.step", at::full({}, 1, at::kLong)},
                             {"a.exp_avg", at::full({3}, 0.0)},
                             {"a.exp_avg_sq", at::full({3}, 0.0)}})
                   .ok());
}

}  // namespace
}  // namespace fathom::training
