#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <utility>
#include <vector>

#include "tests/kernels/device.h"
#include "tests/kernels/reference.h"

namespace fathom::kernels {
namespace {

constexpr float kEpsilon = 1e-12f;  // BERT's
constexpr Tolerance kTolerance{1e-5, 1e-5};

struct Rows {
  int64_t width;
  std::vector<RowCopy> segments;
  std::vector<float> dense;
  std::vector<float> residual;
  std::vector<float> gamma;
  std::vector<float> beta;
  std::vector<float> out;

  Rows(int64_t hidden_size, int64_t sources, int64_t destinations, std::vector<RowCopy> copies)
      : width(hidden_size),
        segments(std::move(copies)),
        dense(RandomFloats(sources * width, 1)),
        residual(RandomFloats(sources * width, 2)),
        gamma(RandomFloats(width, 3)),
        beta(RandomFloats(width, 4)),
        out(static_cast<size_t>(destinations * width), kSentinel) {}

  ResidualLayerNorm Call() {
    ResidualLayerNorm call{};
    call.dense = dense.data();
    call.residual = residual.data();
    call.out = out.data();
    call.segments = segments.data();
    call.segment_count = static_cast<int64_t>(segments.size());
    call.hidden_size = width;
    call.gamma = gamma.data();
    call.beta = beta.data();
    call.epsilon = kEpsilon;
    return call;
  }
};

std::vector<float> Expected(Rows rows) {
  ReferenceLayerNorm(rows.Call());
  return rows.out;
}

class LayerNorm : public ::testing::TestWithParam<Device> {
 protected:
  std::vector<float> Run(Rows rows, int threads) {
    GetParam().residual_layer_norm(rows.Call(), threads);
    return rows.out;
  }
};

TEST_P(LayerNorm, EqualsTheReferenceForEveryWidth) {
  for (const int64_t width : {2, 3, 7, 16, 31, 33, 63, 384, 768, 1023}) {
    SCOPED_TRACE(width);
    const Rows rows(width, 3, 3, {{0, 0, 0, 3}});
    ExpectNear(Run(rows, 1), Expected(rows), kTolerance);
  }
}

TEST_P(LayerNorm, CopiesRepeatedSourcesAndLeavesOtherRowsAlone) {
  // Three branches from one trunk row range, out of order, with an empty copy between them.
  const Rows rows(130, 12, 20,
                  {{4, 6, 9, 5}, {4, 4, 1, 5}, {0, 0, 7, 0}, {11, 2, 19, 1}, {4, 0, 14, 3}});
  for (const int threads : {1, 2, 4}) {
    const std::vector<float> out = Run(rows, threads);
    ExpectNear(out, Expected(rows), kTolerance);
    for (const size_t row : {0u, 6u, 7u, 8u, 17u, 18u}) {
      for (size_t i = 0; i < 130; ++i) ASSERT_EQ(out[row * 130 + i], kSentinel) << "row " << row;
    }
  }
}

TEST_P(LayerNorm, GivesTheSameBitsForAnyNumberOfThreads) {
  const Rows rows(96, 500, 900,
                  {{0, 0, 0, 400}, {400, 400, 500, 1}, {7, 7, 501, 0}, {100, 100, 501, 399}});
  const std::vector<float> serial = Run(rows, 1);
  ExpectNear(serial, Expected(rows), kTolerance);
  for (const int threads : {2, 4}) EXPECT_EQ(Run(rows, threads), serial) << threads << " threads";
}

TEST_P(LayerNorm, KeepsRowsWithALargeOffsetExact) {
  for (const int64_t width : {49, 768}) {
    Rows rows(width, 2, 2, {{0, 0, 0, 2}});
    for (float& value : rows.dense) value = 4096.0f + std::clamp(value, -1.0f, 1.0f) * 0.05f;
    std::fill(rows.residual.begin(), rows.residual.end(), 0.0f);
    ExpectNear(Run(rows, 1), Expected(rows), kTolerance);
  }
}

TEST_P(LayerNorm, GivesBetaForConstantRows) {
  for (const float value : {0.0f, 0.1f, -3.7f, 4096.3f}) {
    SCOPED_TRACE(value);
    Rows rows(771, 1, 1, {{0, 0, 0, 1}});
    std::fill(rows.dense.begin(), rows.dense.end(), value);
    std::fill(rows.residual.begin(), rows.residual.end(), 0.0f);
    // What rounding leaves of the row is divided by sqrt(epsilon), 1e-6.
    ExpectNear(Run(rows, 1), rows.beta, {1e-3, 0});
  }
}

TEST_P(LayerNorm, KeepsNaNInItsRow) {
  Rows rows(67, 5, 5, {{0, 0, 0, 5}});
  const std::vector<float> clean = Run(rows, 1);
  for (const size_t column : {3u, 66u}) {
    Rows broken = rows;
    broken.dense[2 * 67 + column] = std::numeric_limits<float>::quiet_NaN();
    const std::vector<float> out = Run(broken, 1);
    for (size_t i = 0; i < out.size(); ++i) {
      if (i / 67 == 2) {
        ASSERT_TRUE(std::isnan(out[i])) << "element " << i;
      } else {
        ASSERT_EQ(out[i], clean[i]) << "element " << i;
      }
    }
  }
}

TEST_P(LayerNorm, DoesNothingWithoutSegments) {
  const Rows rows(8, 1, 2, {});
  for (const int threads : {1, 4}) {
    EXPECT_EQ(Run(rows, threads), std::vector<float>(16, kSentinel));
  }
}

INSTANTIATE_TEST_SUITE_P(Devices, LayerNorm, ::testing::ValuesIn(AvailableDevices()),
                         [](const auto& device) { return device.param.name; });

}  // namespace
}  // namespace fathom::kernels
