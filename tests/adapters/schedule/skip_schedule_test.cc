#include "adapters/schedule/skip_schedule.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <vector>

namespace fathom::training {
namespace {

SkipScheduleOptions Robust(int layers, uint64_t seed) {
  return {.method = Method::kRobust, .layers = layers, .seed = seed};
}

TEST(SkipSchedule, RobustDrawsEveryDepthEquallyOften) {
  constexpr int kLayers = 12;
  constexpr int kDraws = 60000;
  for (const uint64_t seed : {1u, 2u, 3u}) {
    SkipSchedule schedule(Robust(kLayers, seed));
    std::vector<int> counts(kLayers + 1, 0);
    for (int i = 0; i < kDraws; ++i) {
      const int n = schedule.Next().count;
      ASSERT_GE(n, 0);
      ASSERT_LT(n, kLayers);
      ++counts[static_cast<size_t>(n)];
    }
    // Pearson's chi-square with 11 degrees of freedom is below 31.3 in 99.9 % of fair streams.
    const double expected = static_cast<double>(kDraws) / kLayers;
    double chi_square = 0;
    for (int n = 0; n < kLayers; ++n) {
      const double off = counts[static_cast<size_t>(n)] - expected;
      chi_square += off * off / expected;
    }
    EXPECT_LT(chi_square, 31.3) << "seed " << seed;
  }
}

TEST(SkipSchedule, SameSeedSameStreamAndOtherSeedAnother) {
  SkipSchedule a(Robust(12, 7));
  SkipSchedule b(Robust(12, 7));
  SkipSchedule c(Robust(12, 8));
  int differ = 0;
  for (int i = 0; i < 100; ++i) {
    const int n = a.Next().count;
    EXPECT_EQ(n, b.Next().count);
    differ += n != c.Next().count;
  }
  EXPECT_GT(differ, 50);
}

TEST(SkipSchedule, RestoreContinuesTheStream) {
  SkipSchedule first(Robust(6, 3));
  for (int i = 0; i < 17; ++i) first.Next();
  const std::string state = first.State();
  SkipSchedule second(Robust(6, 99));
  ASSERT_TRUE(second.Restore(state).ok());
  for (int i = 0; i < 50; ++i) EXPECT_EQ(first.Next().count, second.Next().count);
}

TEST(SkipSchedule, RestoreRefusesOtherText) {
  SkipSchedule schedule(Robust(6, 3));
  const int expected = SkipSchedule(Robust(6, 3)).Next().count;
  EXPECT_FALSE(schedule.Restore("not a state").ok());
  EXPECT_FALSE(schedule.Restore("").ok());
  EXPECT_EQ(schedule.Next().count, expected) << "a refused state changes nothing";
}

TEST(SkipSchedule, OtherMethodsAreFixed) {
  SkipSchedule standard({.method = Method::kStandard, .layers = 12});
  SkipSchedule specialized({.method = Method::kSpecialized, .layers = 12, .given_depth = 5});
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(standard.Next().count, 0);
    EXPECT_EQ(specialized.Next().count, 5);
  }
}

TEST(SkipSchedule, TrainedRange) {
  EXPECT_EQ(SkipSchedule(Robust(12, 1)).trained_range().last, 11);
  const SkipRange range =
      SkipSchedule({.method = Method::kSpecialized, .layers = 12, .given_depth = 5})
          .trained_range();
  EXPECT_EQ(range.first, 5);
  EXPECT_EQ(range.last, 5);
}

TEST(Method, NamesRoundTrip) {
  for (const char* name : {"standard", "specialized", "robust"}) {
    EXPECT_EQ(MethodName(*ParseMethod(name)), name);
  }
  EXPECT_EQ(ParseMethod("Robust"), std::nullopt);
}

TEST(SkipSchedule, RandomDrawsEverySetOfLayersAlike) {
  SkipSchedule schedule({.method = Method::kRandom, .layers = 5, .given_depth = 2, .seed = 3});
  std::map<std::vector<bool>, int> seen;
  for (int i = 0; i < 5000; ++i) {
    const SkippedLayers skipped = schedule.Next();
    EXPECT_EQ(skipped.count, 2);
    ASSERT_EQ(std::count(skipped.which.begin(), skipped.which.end(), true), 2);
    ++seen[skipped.which];
  }
  ASSERT_EQ(seen.size(), 10u) << "5 choose 2";
  for (const auto& [set, times] : seen) EXPECT_NEAR(times, 500, 100);
}

}  // namespace
}  // namespace fathom::training
