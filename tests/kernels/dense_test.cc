#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <string>
#include <vector>

#include "tests/kernels/device.h"
#include "tests/kernels/reference.h"

namespace fathom::kernels {
namespace {

constexpr Tolerance kTolerance{1e-5, 1e-5};
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

struct Shape {
  int64_t rows;
  int64_t in;
  int64_t out;
};

// A call and all that it points to, with outputs of size 1 or so.
struct Call {
  Shape shape;
  Activation activation = Activation::kIdentity;
  std::vector<float> x;
  std::vector<float> weight;
  std::vector<float> bias;

  explicit Call(const Shape& of)
      : shape(of),
        x(RandomFloats(of.rows * of.in, 1)),
        weight(RandomFloats(of.out * of.in, 2, 1.0f / std::sqrt(static_cast<float>(of.in)))),
        bias(RandomFloats(of.out, 3)) {}

  // What `run` makes of the call with these weights.
  template <class Run>
  std::vector<float> Result(const std::vector<float>& weights, const Run& run) const {
    std::vector<float> y(static_cast<size_t>(shape.rows * shape.out), kSentinel);
    run(PackedDense{x.data(), weights.data(), bias.data(), y.data(), shape.rows, shape.in,
                    shape.out, activation});
    return y;
  }
};

std::vector<float> Expected(const Call& call) {
  return call.Result(call.weight, ReferencePackedDense);
}

class PackedDenseTest : public ::testing::TestWithParam<Device> {
 protected:
  static std::vector<float> Pack(const Call& call) {
    const int64_t in = call.shape.in;
    const int64_t out = call.shape.out;
    const auto floats = static_cast<size_t>(GetParam().packed_dense_floats(in, out));
    std::vector<float> packed(floats + 1, kSentinel);
    GetParam().pack_dense(call.weight.data(), in, out, packed.data());
    EXPECT_EQ(packed.back(), kSentinel) << "packing wrote too much";
    packed.resize(floats);
    return packed;
  }

  static std::vector<float> Run(const Call& call, int threads) {
    return call.Result(
        Pack(call), [threads](const PackedDense& raw) { GetParam().packed_dense(raw, threads); });
  }
};

TEST_P(PackedDenseTest, EqualsTheReferenceForEveryShape) {
  for (const int64_t in : {1, 7, 64, 770}) {
    for (const int64_t out : {1, 5, 16, 100}) {
      for (const int64_t rows : {1, 2, 5, 31, 32, 33, 64, 100, 500}) {
        SCOPED_TRACE(std::to_string(rows) + " x " + std::to_string(in) + " x " +
                     std::to_string(out));
        const Call call({rows, in, out});
        ExpectNear(Run(call, 1), Expected(call), kTolerance);
      }
    }
  }
}

TEST_P(PackedDenseTest, AppliesEveryActivation) {
  for (int index = 0; index <= static_cast<int>(Activation::kLeakyRelu); ++index) {
    SCOPED_TRACE(index);
    Call call({9, 70, 150});
    call.activation = static_cast<Activation>(index);
    ExpectNear(Run(call, 1), Expected(call), kTolerance);
  }
}

TEST_P(PackedDenseTest, GivesTheSameBitsForAnyNumberOfThreads) {
  for (const Shape& shape : {Shape{33, 200, 300}, {5, 64, 16}, {1, 7, 1000}}) {
    Call call(shape);
    call.activation = Activation::kGelu;
    const std::vector<float> serial = Run(call, 1);
    for (const int threads : {2, 5}) EXPECT_EQ(Run(call, threads), serial) << threads;
  }
}

TEST_P(PackedDenseTest, GivesARowTheSameBitsInAnyCompany) {
  constexpr int64_t kIn = 200;
  constexpr int64_t kOut = 100;
  const Call together({33, kIn, kOut});
  const std::vector<float> all = Run(together, 1);
  for (const int64_t row : {0, 7, 32}) {
    Call alone({1, kIn, kOut});
    std::copy_n(together.x.begin() + row * kIn, kIn, alone.x.begin());
    const std::vector<float> y = Run(alone, 1);
    EXPECT_TRUE(std::equal(y.begin(), y.end(), all.begin() + row * kOut)) << "row " << row;
  }
}

// Numbers near 4096 times weights that cancel: small integers, so that nothing is rounded.
TEST_P(PackedDenseTest, KeepsRowsWithALargeOffsetExact) {
  Call call({3, 770, 20});
  for (float& value : call.x) value = 4096.0f + std::round(value * 4.0f);
  for (size_t i = 0; i < call.weight.size(); ++i) call.weight[i] = i % 2 == 0 ? 1.0f : -1.0f;
  std::fill(call.bias.begin(), call.bias.end(), 3.0f);
  EXPECT_EQ(Run(call, 1), Expected(call));
}

TEST_P(PackedDenseTest, KeepsNaNInItsRow) {
  for (int index = 0; index <= static_cast<int>(Activation::kLeakyRelu); ++index) {
    SCOPED_TRACE(index);
    Call call({14, 67, 21});
    call.activation = static_cast<Activation>(index);
    const std::vector<float> clean = Run(call, 1);
    call.x[5 * 67 + 66] = kNaN;
    const std::vector<float> y = Run(call, 1);
    for (size_t i = 0; i < y.size(); ++i) {
      if (i / 21 == 5) {
        ASSERT_TRUE(std::isnan(y[i])) << "element " << i;
      } else {
        ASSERT_EQ(y[i], clean[i]) << "element " << i;
      }
    }
  }
}

TEST_P(PackedDenseTest, KeepsNaNOfAWeightInItsColumn) {
  Call call({14, 67, 21});
  const std::vector<float> clean = Run(call, 1);
  call.weight[20 * 67] = kNaN;
  const std::vector<float> y = Run(call, 1);
  for (size_t i = 0; i < y.size(); ++i) {
    if (i % 21 == 20) {
      ASSERT_TRUE(std::isnan(y[i])) << "element " << i;
    } else {
      ASSERT_EQ(y[i], clean[i]) << "element " << i;
    }
  }
}

TEST_P(PackedDenseTest, DoesNothingWithoutRowsOrColumns) {
  EXPECT_EQ(GetParam().packed_dense_floats(64, 0), 0);
  for (const int threads : {1, 4}) {
    const PackedDense call{nullptr, nullptr, nullptr, nullptr, 0, 64, 100, Activation::kGelu};
    GetParam().packed_dense(call, threads);
    EXPECT_TRUE(Run(Call({3, 64, 0}), threads).empty());
  }
}

INSTANTIATE_TEST_SUITE_P(Devices, PackedDenseTest, ::testing::ValuesIn(AvailableDevices()),
                         [](const auto& device) { return device.param.name; });

}  // namespace
}  // namespace fathom::kernels
