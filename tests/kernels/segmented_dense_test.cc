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

// One layer and what it reads.
struct Layer {
  int64_t in;
  int64_t out;
  Activation activation = Activation::kIdentity;
  std::vector<int64_t> rows;  // of Call::x
  bool has_bias = true;
};

// Layers over the rows of one matrix. A row of a layer's result is followed by `gap` floats that
// nothing writes.
struct Call {
  static constexpr int64_t kGap = 3;

  int64_t x_stride;
  std::vector<float> x;
  std::vector<Layer> layers;
  std::vector<std::vector<float>> weights;
  std::vector<std::vector<float>> biases;

  Call(int64_t rows, int64_t width) : x_stride(width), x(RandomFloats(rows * width, 1)) {}

  void Add(const Layer& layer) {
    const auto seed = static_cast<unsigned>(10 + 2 * layers.size());
    const float scale = 1.0f / std::sqrt(static_cast<float>(std::max<int64_t>(layer.in, 1)));
    weights.push_back(RandomFloats(layer.in * layer.out, seed, scale));
    biases.push_back(RandomFloats(layer.out, seed + 1));
    layers.push_back(layer);
  }

  // What `run` makes of the call, a vector a layer.
  template <class Run>
  std::vector<std::vector<float>> Result(const Run& run) const {
    std::vector<std::vector<float>> results;
    std::vector<DenseSegment> segments;
    for (const Layer& layer : layers) {
      results.emplace_back(layer.rows.size() * static_cast<size_t>(layer.out + kGap), kSentinel);
    }
    for (size_t i = 0; i < layers.size(); ++i) {
      segments.push_back({.x = x.data(),
                          .x_stride = x_stride,
                          .rows = layers[i].rows.data(),
                          .count = static_cast<int64_t>(layers[i].rows.size()),
                          .weight = weights[i].data(),
                          .bias = layers[i].has_bias ? biases[i].data() : nullptr,
                          .in = layers[i].in,
                          .out = layers[i].out,
                          .activation = layers[i].activation,
                          .y = results[i].data(),
                          .y_stride = layers[i].out + kGap});
    }
    run(SegmentedDense{segments.data(), static_cast<int64_t>(segments.size())});
    return results;
  }
};

void ExpectLayersNear(const std::vector<std::vector<float>>& actual,
                      const std::vector<std::vector<float>>& expected) {
  ASSERT_EQ(actual.size(), expected.size());
  for (size_t i = 0; i < actual.size(); ++i) {
    SCOPED_TRACE("layer " + std::to_string(i));
    ExpectNear(actual[i], expected[i], kTolerance);
  }
}

class Dense : public ::testing::TestWithParam<Device> {
 protected:
  std::vector<std::vector<float>> Run(const Call& call, int threads) {
    return call.Result(
        [threads](const SegmentedDense& raw) { GetParam().segmented_dense(raw, threads); });
  }
};

std::vector<int64_t> FirstRows(int64_t count) {
  std::vector<int64_t> rows;
  for (int64_t i = 0; i < count; ++i) rows.push_back(i);
  return rows;
}

TEST_P(Dense, EqualsTheReferenceForEverySize) {
  for (const int64_t in : {0, 1, 3, 15, 16, 33, 130}) {
    for (const int64_t out : {1, 2, 5, 8, 77}) {
      Call call(9, in + 2);
      for (const int64_t rows : {1, 2, 3, 4, 5, 9}) call.Add({in, out, {}, FirstRows(rows)});
      SCOPED_TRACE(std::to_string(in) + " -> " + std::to_string(out));
      ExpectLayersNear(Run(call, 1), call.Result(ReferenceSegmentedDense));
    }
  }
}

TEST_P(Dense, EqualsTheReferenceForEveryActivation) {
  Call call(5, 64);
  for (int index = 0; index <= static_cast<int>(Activation::kLeakyRelu); ++index) {
    call.Add({64, 37, static_cast<Activation>(index), FirstRows(5)});
  }
  ExpectLayersNear(Run(call, 1), call.Result(ReferenceSegmentedDense));
}

TEST_P(Dense, ReadsRowsWithoutAnIndex) {
  const std::vector<float> x = RandomFloats(3 * 10, 1);
  const std::vector<float> weight = RandomFloats(4 * 8, 2);
  std::vector<float> expected(12, kSentinel);
  DenseSegment segment{.x = x.data(),
                       .x_stride = 10,
                       .rows = nullptr,
                       .count = 3,
                       .weight = weight.data(),
                       .bias = nullptr,
                       .in = 8,
                       .out = 4,
                       .activation = Activation::kIdentity,
                       .y = expected.data(),
                       .y_stride = 4};
  ReferenceSegmentedDense({&segment, 1});
  std::vector<float> actual(12, kSentinel);
  segment.y = actual.data();
  GetParam().segmented_dense({&segment, 1}, 1);
  ExpectNear(actual, expected, kTolerance);
}

// Heads of a pass: different sizes and activations, with and without bias, rows that repeat and are
// out of order, a head without rows, and one that takes several threads.
Call Mixed() {
  Call call(20, 384);
  call.Add({384, 384, Activation::kTanh, {7}});
  call.Add({384, 2, Activation::kIdentity, {3, 19, 0, 3, 4, 5, 6, 7}});
  call.Add({384, 384, Activation::kTanh, {}});
  call.Add({100, 3, Activation::kSigmoid, {1, 0}, false});
  call.Add({384, 700, Activation::kGelu, {7, 12, 3}});
  return call;
}

TEST_P(Dense, RunsDifferentLayersInOneCallAndWritesNothingElse) {
  const Call call = Mixed();
  const std::vector<std::vector<float>> expected = call.Result(ReferenceSegmentedDense);
  ASSERT_EQ(expected[1][2], kSentinel);
  for (const int threads : {1, 2, 4}) {
    SCOPED_TRACE(threads);
    ExpectLayersNear(Run(call, threads), expected);
  }
}

TEST_P(Dense, GivesTheSameBitsForAnyNumberOfThreads) {
  const Call call = Mixed();
  const std::vector<std::vector<float>> serial = Run(call, 1);
  for (const int threads : {2, 4}) EXPECT_EQ(Run(call, threads), serial) << threads << " threads";
}

TEST_P(Dense, GivesARowTheSameBitsInAnyCompany) {
  const Call together = Mixed();
  const std::vector<std::vector<float>> all = Run(together, 1);
  for (size_t layer = 0; layer < together.layers.size(); ++layer) {
    for (size_t i = 0; i < together.layers[layer].rows.size(); ++i) {
      Call alone = together;
      alone.layers[layer].rows = {together.layers[layer].rows[i]};
      const std::vector<float> out = Run(alone, 2)[layer];
      EXPECT_TRUE(std::equal(out.begin(), out.end(),
                             all[layer].begin() + static_cast<std::ptrdiff_t>(i * out.size())))
          << "layer " << layer << " row " << i;
    }
  }
}

TEST_P(Dense, KeepsNaNInItsRowAndItsLayer) {
  Call call(20, 37);
  call.Add({37, 9, Activation::kTanh, FirstRows(20)});
  call.Add({37, 9, Activation::kTanh, FirstRows(20)});
  const std::vector<std::vector<float>> clean = Run(call, 1);
  Call bad_row = call;
  bad_row.x[11 * 37 + 36] = kNaN;
  Call bad_weight = call;
  bad_weight.weights[1][9 * 37 - 1] = kNaN;  // of the last output
  const std::vector<std::vector<float>> rows = Run(bad_row, 2);
  const std::vector<std::vector<float>> weights = Run(bad_weight, 2);
  EXPECT_EQ(weights[0], clean[0]);
  for (size_t i = 0; i < clean[0].size(); ++i) {
    const size_t column = i % (9 + Call::kGap);
    const bool row_is_bad = i / (9 + Call::kGap) == 11 && column < 9;
    ASSERT_EQ(std::isnan(rows[0][i]), row_is_bad) << "element " << i;
    ASSERT_EQ(std::isnan(weights[1][i]), column == 8) << "element " << i;
    if (!row_is_bad) {
      ASSERT_EQ(rows[0][i], clean[0][i]) << "element " << i;
    }
    if (column != 8) {
      ASSERT_EQ(weights[1][i], clean[1][i]) << "element " << i;
    }
  }
}

TEST_P(Dense, DoesNothingWithoutSegments) {
  for (const int threads : {1, 4}) GetParam().segmented_dense({nullptr, 0}, threads);
}

INSTANTIATE_TEST_SUITE_P(Devices, Dense, ::testing::ValuesIn(AvailableDevices()),
                         [](const auto& device) { return device.param.name; });

}  // namespace
}  // namespace fathom::kernels
