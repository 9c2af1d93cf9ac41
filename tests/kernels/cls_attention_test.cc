#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "tests/kernels/device.h"
#include "tests/kernels/reference.h"

namespace fathom::kernels {
namespace {

constexpr Tolerance kTolerance{3e-5, 3e-5};
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

// A call and all that it points to.
struct Call {
  int64_t heads;
  int64_t head_size;
  std::vector<AttentionSegment> segments;
  std::vector<float> x;
  std::vector<float> query;
  std::vector<float> key;
  std::vector<float> value;
  std::vector<float> value_bias;

  Call(int64_t head_count, int64_t size_of_head, std::vector<AttentionSegment> list)
      : heads(head_count), head_size(size_of_head), segments(std::move(list)) {
    int64_t rows = 0;
    for (const AttentionSegment& segment : segments) {
      rows = std::max(rows, segment.first + segment.count);
    }
    const int64_t hidden = heads * head_size;
    const float scale = 1.0f / std::sqrt(static_cast<float>(hidden));
    x = RandomFloats(rows * hidden, 1);
    query = RandomFloats(static_cast<int64_t>(segments.size()) * hidden, 2, 2.0f);
    key = RandomFloats(hidden * hidden, 3, scale);
    value = RandomFloats(hidden * hidden, 4, scale);
    value_bias = RandomFloats(hidden, 5);
  }

  // Context [segments, H] that `run` makes of the call.
  template <class Run>
  std::vector<float> Result(const Run& run) const {
    std::vector<float> context(query.size() + 1, kSentinel);
    std::vector<float> workspace(2 * query.size() * static_cast<size_t>(heads), kNaN);
    run(ClsAttention{.query = query.data(),
                     .x = x.data(),
                     .segments = segments.data(),
                     .segment_count = static_cast<int64_t>(segments.size()),
                     .heads = heads,
                     .head_size = head_size,
                     .key = key.data(),
                     .value = value.data(),
                     .value_bias = value_bias.data(),
                     .context = context.data(),
                     .workspace = workspace.data()});
    EXPECT_EQ(context.back(), kSentinel);
    return context;
  }
};

class ClsAttentionOn : public ::testing::TestWithParam<Device> {
 protected:
  std::vector<float> Run(const Call& call, int threads) {
    return call.Result(
        [threads](const ClsAttention& raw) { GetParam().cls_attention(raw, threads); });
  }
};

TEST_P(ClsAttentionOn, EqualsTheReferenceForEverySize) {
  const std::pair<int64_t, int64_t> sizes[] = {{1, 1}, {1, 7}, {2, 8}, {3, 5}, {12, 11}, {12, 32}};
  for (const auto& [heads, head_size] : sizes) {
    for (const int64_t tokens : {1, 2, 5, 16, 37}) {
      SCOPED_TRACE(std::to_string(heads) + " x " + std::to_string(head_size) + " over " +
                   std::to_string(tokens));
      const Call call(heads, head_size, {{0, tokens}});
      ExpectNear(Run(call, 1), call.Result(ReferenceClsAttention), kTolerance);
    }
  }
}

// Texts of one token and of none, out of order, with rows between them that belong to nobody.
Call Mixed() {
  return Call(6, 64,
              {{20, 13}, {3, 1}, {0, 3}, {9, 0}, {34, 40}, {80, 2}, {90, 5}, {96, 33}, {130, 1}});
}

TEST_P(ClsAttentionOn, RunsTextsOfAnyLengthInOneCall) {
  const Call call = Mixed();
  const std::vector<float> expected = call.Result(ReferenceClsAttention);
  for (const int threads : {1, 2, 4}) {
    SCOPED_TRACE(threads);
    ExpectNear(Run(call, threads), expected, kTolerance);
  }
}

TEST_P(ClsAttentionOn, GivesTheSameBitsForAnyNumberOfThreads) {
  const Call call = Mixed();
  const std::vector<float> serial = Run(call, 1);
  for (const int threads : {2, 4}) EXPECT_EQ(Run(call, threads), serial) << threads << " threads";
}

TEST_P(ClsAttentionOn, GivesATextTheSameBitsInAnyCompany) {
  const Call together = Mixed();
  const std::vector<float> all = Run(together, 1);
  constexpr auto kHidden = std::ptrdiff_t{6 * 64};
  for (size_t i = 0; i < together.segments.size(); ++i) {
    const auto first = static_cast<std::ptrdiff_t>(i) * kHidden;
    Call alone = together;
    alone.segments = {together.segments[i]};
    alone.query.assign(together.query.begin() + first, together.query.begin() + first + kHidden);
    const std::vector<float> out = Run(alone, 4);
    EXPECT_TRUE(std::equal(out.begin(), out.begin() + kHidden, all.begin() + first))
        << "text " << i;
  }
}

TEST_P(ClsAttentionOn, StaysFiniteForHugeScores) {
  Call call(2, 16, {{0, 9}, {9, 30}});
  for (float& query : call.query) query *= 1000.0f;
  const std::vector<float> out = Run(call, 1);
  EXPECT_TRUE(
      std::all_of(out.begin(), out.end(), [](float value) { return std::isfinite(value); }));
}

TEST_P(ClsAttentionOn, KeepsRowsWithALargeOffsetExact) {
  Call call(2, 16, {{0, 9}, {9, 30}});
  // The offset's part of a score is the same for all rows: softmax must not see it.
  for (float& x : call.x) x = 256.0f + std::round(x * 128.0f) / 128.0f;
  ExpectNear(Run(call, 1), call.Result(ReferenceClsAttention), {5e-3, 1e-4});
}

TEST_P(ClsAttentionOn, GivesTheValueOfConstantRows) {
  Call call(2, 16, {{0, 20}});
  for (size_t i = 0; i < call.x.size(); ++i) call.x[i] = static_cast<float>(i % 32) / 32.0f;
  ExpectNear(Run(call, 1), call.Result(ReferenceClsAttention), kTolerance);
}

TEST_P(ClsAttentionOn, KeepsNaNInItsText) {
  const Call call = Mixed();
  constexpr size_t kHidden = 6 * 64;
  const std::vector<float> clean = Run(call, 1);
  for (const int64_t row : {34, 50, 73}) {  // first, middle and last of text 4
    Call bad = call;
    bad.x[static_cast<size_t>(row) * kHidden + 17] = kNaN;
    const std::vector<float> out = Run(bad, 2);
    for (size_t i = 0; i + 1 < out.size(); ++i) {
      if (i / kHidden == 4) {
        ASSERT_TRUE(std::isnan(out[i])) << "element " << i;
      } else {
        ASSERT_EQ(out[i], clean[i]) << "element " << i;
      }
    }
  }
}

TEST_P(ClsAttentionOn, DoesNothingWithoutSegments) {
  const Call call(2, 4, {});
  for (const int threads : {1, 4}) EXPECT_EQ(Run(call, threads), std::vector<float>{kSentinel});
}

INSTANTIATE_TEST_SUITE_P(Devices, ClsAttentionOn, ::testing::ValuesIn(AvailableDevices()),
                         [](const auto& device) { return device.param.name; });

}  // namespace
}  // namespace fathom::kernels
