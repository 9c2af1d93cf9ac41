#include "tests/bench/draws.h"

#include <algorithm>
#include <numeric>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace fathom::bench {
namespace {

TEST(SentenceLengths, HaveTheMeanOfSst2AndStayInRange) {
  std::mt19937 random(1);
  const std::vector<int> lengths = SentenceLengths(20'000, {.shortest = 4, .longest = 66}, random);
  const double mean = std::accumulate(lengths.begin(), lengths.end(), 0.0) / 20'000;
  EXPECT_NEAR(mean, 25, 0.5);
  EXPECT_THAT(lengths, testing::Each(testing::AllOf(testing::Ge(4), testing::Le(66))));
}

TEST(SentenceLengths, AreEqualForEqualSeeds) {
  std::mt19937 one(7);
  std::mt19937 other(7);
  EXPECT_EQ(SentenceLengths(50, {}, one), SentenceLengths(50, {}, other));
}

TEST(ZipfDraws, FollowTheLaw) {
  std::mt19937 random(1);
  const std::vector<int> draws = ZipfDraws(30'000, 3, random);
  // Weights 1, 1/2, 1/3 of 11/6.
  EXPECT_NEAR(static_cast<double>(std::count(draws.begin(), draws.end(), 0)) / 30'000, 6. / 11,
              .02);
  EXPECT_NEAR(static_cast<double>(std::count(draws.begin(), draws.end(), 2)) / 30'000, 2. / 11,
              .02);
}

TEST(RepeatedShare, IsOfDrawsSeenBefore) {
  EXPECT_EQ(RepeatedShare({}), 0);
  EXPECT_EQ(RepeatedShare({3, 4, 5}), 0);
  EXPECT_EQ(RepeatedShare({3, 4, 3, 3}), 0.5);
}

}  // namespace
}  // namespace fathom::bench
