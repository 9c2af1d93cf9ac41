// Gradients against differences of the value: the oracle of what is differentiated by hand.
#pragma once

#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/randn_like.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>

namespace fathom::training {

struct Tolerance {
  double absolute = 0.02;
  double relative = 0.02;
};

// `value` gives a double scalar that was differentiated: parameter.grad() must be its derivative,
// looked at along a random direction.
template <typename Value>
void ExpectGradientIsDifference(const at::Tensor& parameter, const Value& value, double step,
                                const std::string& name, const Tolerance& tolerance = {}) {
  const at::NoGradGuard no_grad;
  const at::Tensor direction = at::randn_like(parameter);
  parameter.add_(direction, step);
  const double above = value().template item<double>();
  parameter.sub_(direction, 2 * step);
  const double below = value().template item<double>();
  parameter.add_(direction, step);
  const double numeric = (above - below) / (2 * step);
  const double analytic = (parameter.grad() * direction).sum().template item<double>();
  EXPECT_NEAR(analytic, numeric, tolerance.absolute + tolerance.relative * std::abs(numeric))
      << name;
}

}  // namespace fathom::training
