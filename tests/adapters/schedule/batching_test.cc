#include "adapters/schedule/batching.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <vector>

namespace fathom::training {
namespace {

using testing::ElementsAre;

constexpr BatchingOptions kOptions = {.texts = 70, .batch_size = 32, .seed = 5};

TEST(Batching, EveryEpochIsAnotherPermutation) {
  std::vector<int64_t> first = EpochOrder(kOptions, 0);
  std::vector<int64_t> second = EpochOrder(kOptions, 1);
  EXPECT_NE(first, second);
  EXPECT_EQ(first, EpochOrder(kOptions, 0));
  std::sort(first.begin(), first.end());
  std::sort(second.begin(), second.end());
  EXPECT_EQ(first, second);
  EXPECT_EQ(first.front(), 0);
  EXPECT_EQ(first.back(), 69);
  EXPECT_EQ(std::adjacent_find(first.begin(), first.end()), first.end());
}

TEST(Batching, ShuffleFavoursNoPosition) {
  // Where does text 0 go? Uniform over 10 places: chi-square with 9 degrees of freedom, 99.9 %.
  std::vector<int> counts(10, 0);
  for (int64_t epoch = 0; epoch < 5000; ++epoch) {
    const auto order = EpochOrder({.texts = 10, .batch_size = 1, .seed = 3}, epoch);
    ++counts[static_cast<size_t>(std::find(order.begin(), order.end(), 0) - order.begin())];
  }
  double chi_square = 0;
  for (int count : counts) chi_square += (count - 500.0) * (count - 500.0) / 500.0;
  EXPECT_LT(chi_square, 27.9);
}

TEST(Batching, StepsCoverTheEpochOnce) {
  const std::vector<int64_t> order = EpochOrder(kOptions, 3);
  ASSERT_EQ(StepsPerEpoch(kOptions), 3);
  std::vector<int64_t> seen;
  for (int64_t step = 0; step < 3; ++step) {
    const auto texts = StepTexts(kOptions, order, step);
    EXPECT_EQ(texts.size(), step < 2 ? 32u : 6u);
    seen.insert(seen.end(), texts.begin(), texts.end());
  }
  EXPECT_EQ(seen, order);
}

TEST(PackByLength, SortsAndKeepsWithinTheLimit) {
  const std::vector<int32_t> tokens = {9, 3, 5, 3, 20, 4};
  const std::vector<int64_t> texts = {0, 1, 2, 3, 4, 5};
  const auto packs = PackByLength(texts, tokens, 12);
  ASSERT_EQ(packs.size(), 4u);
  EXPECT_THAT(packs[0], ElementsAre(1, 3, 5));
  EXPECT_THAT(packs[1], ElementsAre(2));
  EXPECT_THAT(packs[2], ElementsAre(0));
  EXPECT_THAT(packs[3], ElementsAre(4)) << "a text over the limit is alone";
}

TEST(BalancedPacks, HaveAboutAsManyTokensEach) {
  std::vector<int32_t> tokens(40);
  for (size_t i = 0; i < tokens.size(); ++i) tokens[i] = static_cast<int32_t>(5 + i * 7 % 40);
  std::vector<int64_t> texts(tokens.size());
  std::iota(texts.begin(), texts.end(), int64_t{0});
  int64_t all = 0;
  for (const int32_t count : tokens) all += count;
  const auto packs = BalancedPacks(texts, tokens, 300);
  ASSERT_EQ(packs.size(), 4u);
  std::vector<int64_t> seen;
  int32_t before = 0;
  for (const auto& pack : packs) {
    int64_t rows = 0;
    for (const int64_t text : pack) {
      const int32_t length = tokens[static_cast<size_t>(text)];
      EXPECT_GE(length, before) << "by length";
      before = length;
      rows += length;
      seen.push_back(text);
    }
    EXPECT_NEAR(static_cast<double>(rows), static_cast<double>(all) / 4, 45);
  }
  std::sort(seen.begin(), seen.end());
  EXPECT_EQ(seen, texts);
}

TEST(BalancedPacks, AreTwoWhereTheyCanBe) {
  const std::vector<int32_t> tokens = {9, 9, 90};
  EXPECT_EQ(BalancedPacks(std::vector<int64_t>{0, 1}, tokens, 512).size(), 2u);
  EXPECT_EQ(BalancedPacks(std::vector<int64_t>{2}, tokens, 10).size(), 1u);
  EXPECT_EQ(BalancedPacks(std::vector<int64_t>{0, 2}, tokens, 512).size(), 2u);
  EXPECT_TRUE(BalancedPacks({}, tokens, 512).empty());
}

TEST(PackByLength, KnowsNoTexts) { EXPECT_TRUE(PackByLength({}, {}, 10).empty()); }

TEST(RankTexts, SharesAreNeighboursAndMayBeEmpty) {
  const std::vector<int64_t> step = {7, 3, 9, 1, 4};
  EXPECT_THAT(RankTexts(step, 0, 2), ::testing::ElementsAre(7, 3));
  EXPECT_THAT(RankTexts(step, 1, 2), ::testing::ElementsAre(9, 1, 4));
  EXPECT_THAT(RankTexts(absl::MakeSpan(step).first(1), 0, 2), ::testing::IsEmpty());
  EXPECT_THAT(RankTexts(absl::MakeSpan(step).first(1), 1, 2), ::testing::ElementsAre(7));
}

}  // namespace
}  // namespace fathom::training
