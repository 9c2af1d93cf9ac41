#include "kernels/cpu/attention_items.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <tuple>
#include <vector>

namespace fathom::kernels {
namespace {

RaggedAttention CallOver(const std::vector<AttentionSegment>& segments) {
  RaggedAttention call{};
  call.segments = segments.data();
  call.segment_count = static_cast<int64_t>(segments.size());
  call.heads = 3;
  call.head_size = 64;
  return call;
}

TEST(AttentionItems, CoverEveryQueryOfEveryHeadOnce) {
  const std::vector<AttentionSegment> segments{{0, 1}, {1, 0}, {1, 129}, {200, 500}, {130, 32}};
  const RaggedAttention call = CallOver(segments);
  for (const int threads : {1, 2, 64}) {
    const AttentionItems items = CutIntoItems(call, threads);
    std::map<std::tuple<int64_t, int64_t>, int> computed;  // (row, head) -> times
    for (int64_t i = 0; i < items.count; ++i) {
      const AttentionItem item = items.At(call, i);
      for (int64_t q = 0; q < item.query_count; ++q) {
        ++computed[{item.segment.first + item.first_query + q, item.head}];
      }
    }
    EXPECT_EQ(computed.size(), 3u * (1 + 129 + 500 + 32));
    for (const auto& [key, times] : computed) EXPECT_EQ(times, 1);
  }
}

TEST(AttentionItems, AreNoneForNoTokens) {
  EXPECT_EQ(CutIntoItems(CallOver({}), 4).count, 0);
  const std::vector<AttentionSegment> empty{{5, 0}};
  EXPECT_EQ(CutIntoItems(CallOver(empty), 4).count, 0);
}

TEST(AttentionItems, AreSmallerWhereThreadsWouldIdle) {
  const std::vector<AttentionSegment> one{{0, 512}};
  const RaggedAttention call = CallOver(one);
  EXPECT_EQ(CutIntoItems(call, 1).count, 3 * 4);
  EXPECT_EQ(CutIntoItems(call, 16).count, 3 * 16);
}

TEST(AttentionItems, WakeThreadsOnlyForEnoughWork) {
  const std::vector<AttentionSegment> small{{0, 8}};
  const std::vector<AttentionSegment> large{{0, 8}, {8, 128}};
  EXPECT_EQ(UsefulThreads(CallOver(small), 8), 1);
  EXPECT_EQ(UsefulThreads(CallOver(large), 8), 8);
}

}  // namespace
}  // namespace fathom::kernels
