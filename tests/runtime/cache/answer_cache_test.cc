#include "runtime/cache/answer_cache.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/runtime/cache/cache_testing.h"

namespace fathom {
namespace {

using ::testing::ElementsAre;
using ::testing::Optional;

TEST(AnswerCache, FindsByTextTaskAndDepth) {
  AnswerCache cache("encoder", 1 << 20);
  cache.Insert(Text({1, 2}), 7, 5, {0.5F, -0.5F});
  EXPECT_THAT(cache.Find(Text({1, 2}), 7, 5), Optional(ElementsAre(0.5F, -0.5F)));
  EXPECT_FALSE(cache.Find(Text({1, 3}), 7, 5));
  EXPECT_FALSE(cache.Find(Text({1, 2}, 1), 7, 5));
  EXPECT_FALSE(cache.Find(Text({1, 2}), 8, 5));
  EXPECT_FALSE(cache.Find(Text({1, 2}), 7, 4));
  EXPECT_EQ(cache.counts().hits, 1);
  EXPECT_EQ(cache.counts().misses, 4);
  EXPECT_EQ(cache.counts().entries, 1);
}

TEST(AnswerCache, TellsWhatWasAskedApart) {
  AnswerCache cache("encoder", 1 << 20);
  cache.Insert(Text({1}), 7, 0, {1}, PassOutput::kHead);
  cache.Insert(Text({1}), 7, 0, {2}, PassOutput::kClsState);
  EXPECT_THAT(cache.Find(Text({1}), 7, 0), Optional(ElementsAre(1)));
  EXPECT_THAT(cache.Find(Text({1}), 7, 0, PassOutput::kClsState), Optional(ElementsAre(2)));
  EXPECT_FALSE(cache.Find(Text({1}), 7, 0, PassOutput::kMeanState));
}

TEST(AnswerCache, CountsAllNumbersOfALargeAnswer) {
  AnswerCache cache("encoder", 1 << 20);
  const std::vector<float> tags(20'000, 0.5F);
  cache.Insert(Text({1}), 7, 0, tags);
  EXPECT_GE(cache.counts().bytes, static_cast<int64_t>(tags.size() * sizeof(float)));
  cache.Insert(Text({2}), 7, 0, std::vector<float>(300'000));  // over the budget
  EXPECT_FALSE(cache.Find(Text({2}), 7, 0));
}

TEST(AnswerCache, StaysInItsBudgetAndKeepsTheLatest) {
  constexpr int64_t kBudget = 20'000;
  AnswerCache cache("encoder", kBudget);
  for (int32_t id = 0; id < 1000; ++id) {
    cache.Insert(Text({id}), 1, 0, {static_cast<float>(id)});
    ASSERT_LE(cache.counts().bytes, kBudget);
  }
  EXPECT_THAT(cache.Find(Text({999}), 1, 0), Optional(ElementsAre(999)));
  EXPECT_FALSE(cache.Find(Text({0}), 1, 0));
  EXPECT_EQ(cache.counts().evictions + cache.counts().entries, 1000);
  EXPECT_GT(cache.counts().entries, 50);
}

TEST(AnswerCache, ForgetsAllWhenCleared) {
  AnswerCache cache("encoder", 1 << 20);
  cache.Insert(Text({1}), 1, 0, {1});
  cache.Clear();
  EXPECT_FALSE(cache.Find(Text({1}), 1, 0));
  EXPECT_EQ(cache.counts().bytes, 0);
}

TEST(AnswerCache, OffKeepsAndCountsNothing) {
  AnswerCache cache("encoder", 0);
  EXPECT_FALSE(cache.enabled());
  cache.Insert(Text({1}), 1, 0, {1});
  EXPECT_FALSE(cache.Find(Text({1}), 1, 0));
  EXPECT_EQ(cache.counts(), CacheCounts());
}

}  // namespace
}  // namespace fathom
