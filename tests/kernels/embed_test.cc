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
constexpr int64_t kWords = 50;
constexpr int64_t kPositions = 40;
constexpr int64_t kSegments = 2;

// Texts of the given lengths and the tables that they read.
struct Call {
  int64_t width;
  std::vector<std::vector<int32_t>> ids;
  std::vector<std::vector<int32_t>> segment_ids;
  std::vector<float> words;
  std::vector<float> positions;
  std::vector<float> segments;
  std::vector<float> gamma;
  std::vector<float> beta;
  int64_t rows = 0;

  Call(int64_t hidden_size, const std::vector<int64_t>& lengths)
      : width(hidden_size),
        words(RandomFloats(kWords * width, 1)),
        positions(RandomFloats(kPositions * width, 2)),
        segments(RandomFloats(kSegments * width, 3)),
        gamma(RandomFloats(width, 4)),
        beta(RandomFloats(width, 5)) {
    for (const int64_t length : lengths) {
      ids.emplace_back();
      segment_ids.emplace_back();
      for (int64_t i = 0; i < length; ++i, ++rows) {
        ids.back().push_back(static_cast<int32_t>(rows * 7 % kWords));
        segment_ids.back().push_back(static_cast<int32_t>(rows / 3 % kSegments));
      }
    }
  }

  // What `run` makes of the call, with one float behind it.
  template <class Run>
  std::vector<float> Result(const Run& run) const {
    std::vector<float> out(static_cast<size_t>(rows * width) + 1, kSentinel);
    std::vector<EmbedText> texts;
    for (size_t i = 0; i < ids.size(); ++i) {
      texts.push_back({ids[i].data(), segment_ids[i].data(), static_cast<int64_t>(ids[i].size())});
    }
    run(EmbedLayerNorm{.texts = texts.data(),
                       .text_count = static_cast<int64_t>(texts.size()),
                       .words = words.data(),
                       .positions = positions.data(),
                       .segments = segments.data(),
                       .out = out.data(),
                       .hidden_size = width,
                       .gamma = gamma.data(),
                       .beta = beta.data(),
                       .epsilon = 1e-12f});
    return out;
  }
};

class Embed : public ::testing::TestWithParam<Device> {
 protected:
  std::vector<float> Run(const Call& call, int threads) {
    return call.Result(
        [threads](const EmbedLayerNorm& raw) { GetParam().embed_layer_norm(raw, threads); });
  }
};

TEST_P(Embed, EqualsTheReferenceForEveryWidth) {
  for (const int64_t width : {2, 3, 16, 33, 768}) {
    SCOPED_TRACE(width);
    const Call call(width, {1, 5, 0, 2});
    ExpectNear(Run(call, 1), call.Result(ReferenceEmbed), kTolerance);
  }
}

TEST_P(Embed, GivesTheSameBitsForAnyNumberOfThreads) {
  const Call call(768, {40, 1, 0, 33, 7});
  const std::vector<float> serial = Run(call, 1);
  ExpectNear(serial, call.Result(ReferenceEmbed), kTolerance);
  for (const int threads : {2, 3, 4}) EXPECT_EQ(Run(call, threads), serial) << threads;
}

TEST_P(Embed, KeepsRowsWithALargeOffsetExact) {
  Call call(768, {3});
  // Exact in fp32 with the offset, so that the double reference reads the same rows.
  for (float& value : call.words) value = 4096.0f + std::round(value * 128.0f) / 256.0f;
  std::fill(call.positions.begin(), call.positions.end(), 0.0f);
  std::fill(call.segments.begin(), call.segments.end(), 0.0f);
  ExpectNear(Run(call, 1), call.Result(ReferenceEmbed), kTolerance);
}

TEST_P(Embed, KeepsNaNInItsRow) {
  Call call(67, {8, 8});
  const std::vector<float> clean = Run(call, 1);
  call.words[static_cast<size_t>(call.ids[1][2]) * 67 + 66] =
      std::numeric_limits<float>::quiet_NaN();
  const std::vector<float> out = Run(call, 1);
  for (size_t i = 0; i < out.size(); ++i) {
    if (i / 67 == 10) {
      ASSERT_TRUE(std::isnan(out[i])) << "element " << i;
    } else {
      ASSERT_EQ(out[i], clean[i]) << "element " << i;
    }
  }
}

TEST_P(Embed, DoesNothingWithoutTexts) {
  const Call call(8, {});
  for (const int threads : {1, 4}) EXPECT_EQ(Run(call, threads), std::vector<float>{kSentinel});
}

INSTANTIATE_TEST_SUITE_P(Devices, Embed, ::testing::ValuesIn(AvailableDevices()),
                         [](const auto& device) { return device.param.name; });

}  // namespace
}  // namespace fathom::kernels
