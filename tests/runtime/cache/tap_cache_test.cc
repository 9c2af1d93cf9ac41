#include "runtime/cache/tap_cache.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <string>

#include "tests/runtime/cache/cache_testing.h"

namespace fathom {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr int64_t kPlenty = 1 << 20;

std::vector<int> Layers(TapCache& cache, const TokenizedText& text) {
  std::vector<int> layers;
  for (const auto& tap : cache.Find(text).taps) layers.push_back(tap->layer());
  return layers;
}

TEST(TapCache, FindsByTheWholeText) {
  TapCache cache("encoder", kPlenty);
  const auto tap = SumTap(3, 4, 0.5F);
  cache.Insert(Text({1, 2, 3, 4}), tap);
  EXPECT_THAT(cache.Find(Text({1, 2, 3, 4})).taps, ElementsAre(tap));
  EXPECT_THAT(cache.Find(Text({1, 2, 3, 4}, 1)).taps, IsEmpty());
  EXPECT_THAT(cache.Find(Text({1, 2, 3, 5})).taps, IsEmpty());
  EXPECT_EQ(cache.counts().entries, 1);
}

TEST(TapCache, KeepsTwoTapsOfATextByRisingLayer) {
  TapCache cache("encoder", kPlenty);
  const TokenizedText text = Text({1, 2, 3});
  cache.Insert(text, SumTap(9, 3));
  cache.Insert(text, SumTap(5, 3));
  EXPECT_THAT(Layers(cache, text), ElementsAre(5, 9));
  EXPECT_EQ(cache.counts().entries, 1);
}

TEST(TapCache, ReplacesATapOfTheSameLayer) {
  TapCache cache("encoder", kPlenty);
  const TokenizedText text = Text({1, 2, 3});
  cache.Insert(text, SumTap(5, 3, 1));
  cache.Insert(text, SumTap(9, 3, 1));
  const int64_t bytes = cache.counts().bytes;
  cache.Insert(text, SumTap(5, 3, 2));
  EXPECT_THAT(Layers(cache, text), ElementsAre(5, 9));
  EXPECT_EQ(cache.Find(text).taps[0]->fp32(0)[0], 2);
  EXPECT_EQ(cache.counts().bytes, bytes);
}

TEST(TapCache, AThirdTapReplacesTheDeeper) {
  TapCache cache("encoder", kPlenty);
  for (const int third : {2, 7, 11}) {
    const TokenizedText text = Text({third});
    cache.Insert(text, SumTap(5, 1));
    cache.Insert(text, SumTap(9, 1));
    cache.Insert(text, SumTap(third, 1));
    EXPECT_THAT(Layers(cache, text), ElementsAre(std::min(5, third), std::max(5, third)));
  }
}

TEST(TapCache, TheNewTapStaysAloneWhereBothAreTooLarge) {
  TapCache cache("encoder", 10'000);
  const TokenizedText text = Text({1, 2, 3});
  cache.Insert(text, SumTap(5, 100));  // 6,400 bytes of values each
  cache.Insert(text, SumTap(9, 100));
  EXPECT_THAT(Layers(cache, text), ElementsAre(9));
  EXPECT_EQ(cache.counts().refused, 0);
}

TEST(TapCache, RefusesATapLargerThanItselfAndDropsNothing) {
  TapCache cache("encoder", 10'000);
  cache.Insert(Text({1}), SumTap(5, 10));
  cache.Insert(Text({2}), SumTap(5, 200));
  cache.Insert(Text({1}), SumTap(9, 200));
  EXPECT_THAT(Layers(cache, Text({2})), IsEmpty());
  EXPECT_THAT(Layers(cache, Text({1})), ElementsAre(5));
  EXPECT_EQ(cache.counts().refused, 2);
  EXPECT_EQ(cache.counts().evictions, 0);
}

TEST(TapCache, DropsTextsByLastUseWhateverTheirTaps) {
  TapCache cache("encoder", 10'000);
  for (int32_t id = 1; id <= 3; ++id) cache.Insert(Text({id}), SumTap(5, 40));  // 2,560 bytes each
  EXPECT_THAT(Layers(cache, Text({1})), ElementsAre(5));
  cache.Insert(Text({3}), SumTap(9, 40));
  EXPECT_THAT(Layers(cache, Text({2})), IsEmpty());
  EXPECT_THAT(Layers(cache, Text({1})), ElementsAre(5));
  EXPECT_THAT(Layers(cache, Text({3})), ElementsAre(5, 9));
  EXPECT_EQ(cache.counts().evictions, 1);
}

TEST(TapCache, ATapOutlivesItsEvictionAndClear) {
  TapCache cache("encoder", 10'000);
  cache.Insert(Text({1}), SumTap(5, 100, 0.25F));
  const TextTaps evicted = cache.Find(Text({1}));
  cache.Insert(Text({2}), SumTap(5, 100, 0.75F));
  const TextTaps cleared = cache.Find(Text({2}));
  cache.Clear();
  EXPECT_THAT(Layers(cache, Text({1})), IsEmpty());
  EXPECT_THAT(Layers(cache, Text({2})), IsEmpty());
  EXPECT_EQ(evicted.taps[0]->fp32(0)[1599], 0.25F);
  EXPECT_EQ(cleared.taps[0]->fp32(0)[1599], 0.75F);
}

TEST(TapCache, CountsSightingsOfTextsWithAndWithoutTaps) {
  TapCache cache("encoder", kPlenty);
  EXPECT_EQ(cache.Find(Text({1})).sightings, 1);
  EXPECT_EQ(cache.Find(Text({1})).sightings, 2);
  EXPECT_EQ(cache.Find(Text({1}, 1)).sightings, 1);
  cache.Insert(Text({1}), SumTap(5, 1));
  EXPECT_EQ(cache.Find(Text({1})).sightings, 3);
  for (int i = 0; i < 300; ++i) cache.Find(Text({1}));
  EXPECT_EQ(cache.Find(Text({1})).sightings, SightingTable::kMostSightings);
  cache.Clear();
  EXPECT_EQ(cache.Find(Text({1})).sightings, 1);
}

TEST(SightingTable, IsBoundedAndForgetsForIt) {
  SightingTable table(1024);
  EXPECT_LE(table.bytes(), 1024);
  std::mt19937_64 random(1);
  std::vector<size_t> hashes(10'000);
  for (size_t& hash : hashes) hash = random();
  for (const size_t hash : hashes) ASSERT_EQ(table.Count(hash), 1);
  int remembered = 0;
  for (const size_t hash : hashes) remembered += table.Count(hash) > 1 ? 1 : 0;
  EXPECT_LE(remembered, 128);
  EXPECT_LE(table.bytes(), 1024);
}

TEST(TapCache, CountsUses) {
  TapCache cache("encoder", kPlenty);
  cache.CountLookup(true);
  cache.CountLookup(false);
  cache.CountLookup(true);
  EXPECT_EQ(cache.counts().hits, 2);
  EXPECT_EQ(cache.counts().misses, 1);
}

TEST(TapCache, OffKeepsAndCountsNothing) {
  TapCache cache("encoder", 0);
  EXPECT_FALSE(cache.enabled());
  cache.Insert(Text({1}), SumTap(5, 1));
  cache.CountLookup(false);
  EXPECT_THAT(cache.Find(Text({1})).taps, IsEmpty());
  EXPECT_EQ(cache.counts(), CacheCounts());
}

TEST(TapCacheProperty, StaysInItsBudgetWithWhatATextHasInOrder) {
  std::mt19937 random(2);
  constexpr int64_t kBudget = 200'000;
  TapCache cache("encoder", kBudget);
  for (int step = 0; step < 5000; ++step) {
    const TokenizedText text =
        Text(std::vector<int32_t>(1 + random() % 50, static_cast<int32_t>(random() % 4)));
    if (random() % 2 == 0) {
      cache.Insert(text, SumTap(static_cast<int>(random() % 12),
                                static_cast<int32_t>(text.ids.size() * (1 + random() % 20)),
                                static_cast<float>(text.ids.size())));
    } else {
      int below = -1;
      for (const auto& tap : cache.Find(text).taps) {
        ASSERT_GT(tap->layer(), below);
        ASSERT_EQ(tap->fp32(0)[0], static_cast<float>(text.ids.size()));
        below = tap->layer();
      }
    }
    ASSERT_LE(cache.counts().bytes, kBudget);
  }
  EXPECT_GT(cache.counts().evictions, 100);
}

}  // namespace
}  // namespace fathom
