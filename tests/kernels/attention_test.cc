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

// Sums of up to 600 products in fp32 of values near 1, and exp to 1 unit in the last place or so.
constexpr Tolerance kTolerance{2e-5, 2e-5};

// A packed batch and the context that a call leaves behind.
struct Batch {
  int64_t rows;
  int64_t heads;
  int64_t head_size;
  std::vector<AttentionSegment> segments;
  std::vector<float> query_key_value;
  std::vector<float> context;

  Batch(int64_t row_count, int64_t head_count, int64_t size, std::vector<AttentionSegment> texts)
      : rows(row_count),
        heads(head_count),
        head_size(size),
        segments(std::move(texts)),
        query_key_value(RandomFloats(rows * 3 * heads * head_size, 7)),
        context(static_cast<size_t>(rows * heads * head_size), kSentinel) {}

  RaggedAttention Call() {
    RaggedAttention call{};
    call.query_key_value = query_key_value.data();
    call.context = context.data();
    call.segments = segments.data();
    call.segment_count = static_cast<int64_t>(segments.size());
    call.heads = heads;
    call.head_size = head_size;
    return call;
  }

  // The first float of a row's query (part 0), key (1) or value (2).
  float* Part(int64_t row, int64_t part) {
    return query_key_value.data() + (row * 3 + part) * heads * head_size;
  }
};

std::vector<float> Expected(Batch batch) {
  ReferenceAttention(batch.Call());
  return batch.context;
}

class Attention : public ::testing::TestWithParam<Device> {
 protected:
  std::vector<float> Run(Batch batch, int threads) {
    GetParam().ragged_attention(batch.Call(), threads);
    return batch.context;
  }
};

TEST_P(Attention, EqualsTheReferenceForEveryHeadSizeAndLength) {
  for (const int64_t head_size : {1, 3, 7, 16, 32, 33, 64, 80}) {
    for (const int64_t tokens : {1, 2, 5, 8, 15, 17, 25, 33, 70}) {
      SCOPED_TRACE(std::to_string(tokens) + " tokens, head size " + std::to_string(head_size));
      const Batch batch(tokens, 2, head_size, {{0, tokens}});
      ExpectNear(Run(batch, 1), Expected(batch), kTolerance);
    }
  }
}

TEST_P(Attention, AttendsWithinEachSegmentAndLeavesOtherRowsAlone) {
  const Batch batch(40, 3, 20, {{30, 9}, {1, 1}, {12, 0}, {3, 21}});
  for (const int threads : {1, 2, 4}) {
    const std::vector<float> context = Run(batch, threads);
    ExpectNear(context, Expected(batch), kTolerance);
    for (const size_t row : {0u, 2u, 24u, 29u, 39u}) {
      for (size_t i = 0; i < 60; ++i) ASSERT_EQ(context[row * 60 + i], kSentinel) << "row " << row;
    }
  }
}

TEST_P(Attention, GivesTheSameBitsForAnyNumberOfThreads) {
  const Batch batch(600, 2, 32, {{0, 300}, {300, 1}, {301, 17}, {318, 0}, {318, 200}});
  const std::vector<float> serial = Run(batch, 1);
  ExpectNear(serial, Expected(batch), kTolerance);
  for (const int threads : {2, 4}) EXPECT_EQ(Run(batch, threads), serial) << threads << " threads";
}

TEST_P(Attention, GivesATextTheSameBitsInAnyBatch) {
  const Batch together(58, 2, 33, {{0, 25}, {25, 33}});
  Batch alone(33, 2, 33, {{0, 33}});
  std::copy_n(together.query_key_value.begin() + 25 * 3 * 66, 33 * 3 * 66,
              alone.query_key_value.begin());
  const std::vector<float> context = Run(together, 1);
  EXPECT_EQ(std::vector<float>(context.begin() + 25 * 66, context.end()), Run(alone, 1));
}

TEST_P(Attention, DoesNothingWithoutSegments) {
  const Batch batch(3, 2, 8, {});
  for (const int threads : {1, 4}) {
    EXPECT_EQ(Run(batch, threads), std::vector<float>(3 * 16, kSentinel));
  }
}

TEST_P(Attention, HoldsScoresFarFromZero) {
  // Scores of ±1e4: softmax picks single keys, and exp must neither overflow nor lose the sum.
  Batch batch(21, 1, 16, {{0, 21}});
  for (int64_t row = 0; row < batch.rows; ++row) {
    std::fill_n(batch.Part(row, 0), 16, row % 2 == 0 ? 50.0f : -50.0f);
    std::fill_n(batch.Part(row, 1), 16, static_cast<float>(row - 10) * 5.0f);
  }
  ExpectNear(Run(batch, 1), Expected(batch), kTolerance);
}

TEST_P(Attention, AveragesTheValuesOfEqualScores) {
  // The same large score everywhere, of either sign.
  for (const float query : {-1000.0f, 1000.0f}) {
    Batch batch(19, 2, 8, {{0, 19}});
    for (int64_t row = 0; row < batch.rows; ++row) {
      std::fill_n(batch.Part(row, 0), 16, query);
      std::fill_n(batch.Part(row, 1), 16, 3.5f);
    }
    ExpectNear(Run(batch, 1), Expected(batch), kTolerance);
  }
}

TEST_P(Attention, KeepsNaNInTheTextThatHoldsIt) {
  for (const int64_t part : {0, 1, 2}) {
    SCOPED_TRACE("part " + std::to_string(part));
    Batch batch(50, 2, 24, {{0, 16}, {16, 18}, {34, 16}});
    const std::vector<float> clean = Run(batch, 1);
    std::fill_n(batch.Part(20, part), 48, std::numeric_limits<float>::quiet_NaN());
    const std::vector<float> context = Run(batch, 1);
    for (size_t i = 0; i < context.size(); ++i) {
      const size_t row = i / 48;
      const bool reached = part == 0 ? row == 20 : row >= 16 && row < 34;
      ASSERT_EQ(std::isnan(context[i]), reached) << "row " << row;
      if (!reached) {
        ASSERT_EQ(context[i], clean[i]) << "row " << row;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Devices, Attention, ::testing::ValuesIn(AvailableDevices()),
                         [](const auto& device) { return device.param.name; });

}  // namespace
}  // namespace fathom::kernels
