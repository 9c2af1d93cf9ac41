#include "runtime/depth/drift_guard.h"

#include <cmath>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "runtime/depth/shadow_sampler.h"

namespace fathom {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

DepthProfile Profile() {
  return {.metric = "accuracy",
          .points = {{.skip_layers = 0, .score = 0.9, .agreement = 1.0},
                     {.skip_layers = 1, .score = 0.9, .agreement = 1.0},
                     {.skip_layers = 2, .score = 0.89, .agreement = 0.9},
                     {.skip_layers = 3, .score = 0.88}},
          .samples = 1000};
}

void Add(DriftGuard& guard, int n, int agreed, int disagreed) {
  for (int i = 0; i < agreed; ++i) guard.Add(n, 1);
  for (int i = 0; i < disagreed; ++i) guard.Add(n, 0);
}

TEST(LowestAgreement, IsThreeStandardErrorsBelow) {
  const double p = (0.9 * 1000 + 1) / 1002;
  EXPECT_NEAR(LowestAgreement(0.9, 1000), p - 3 * std::sqrt(p * (1 - p) * (1.0 / 500 + 1.0 / 1000)),
              1e-12);
  // A smaller dev set says less, and an agreement of 1 is no certainty.
  EXPECT_LT(LowestAgreement(0.9, 200), LowestAgreement(0.9, 1000));
  EXPECT_LT(LowestAgreement(1.0, 1000), 1);
  EXPECT_EQ(LowestAgreement(0.9, 0), LowestAgreement(0.9, 500));
}

TEST(DriftGuard, TripsOverAWindowThatIsTooLow) {
  // Lowest at n = 2: 0.850.
  DriftGuard good(Profile());
  Add(good, 2, 426, 74);
  EXPECT_FALSE(good.tripped());

  DriftGuard bad(Profile());
  Add(bad, 2, 424, 75);
  EXPECT_FALSE(bad.tripped()) << "after 499 samples";
  Add(bad, 2, 0, 1);
  EXPECT_TRUE(bad.tripped());
}

TEST(DriftGuard, DepthsAreJudgedApart) {
  DriftGuard guard(Profile());
  Add(guard, 1, 300, 199);
  Add(guard, 2, 499, 0);
  EXPECT_FALSE(guard.tripped());
  Add(guard, 1, 1, 0);
  EXPECT_TRUE(guard.tripped());
}

TEST(DriftGuard, AWindowDoesNotPayForAnother) {
  DriftGuard guard(Profile());
  Add(guard, 2, 5000, 0);
  Add(guard, 2, 400, 100);
  EXPECT_TRUE(guard.tripped());
  Add(guard, 2, 5000, 0);
  EXPECT_TRUE(guard.tripped()) << "only an operator lets it go";
}

TEST(DriftGuard, ResetStartsAnewAndKeepsTheCounts) {
  DriftGuard guard(Profile());
  Add(guard, 2, 0, 500);
  Add(guard, 2, 0, 400);
  guard.Reset();
  EXPECT_FALSE(guard.tripped());
  Add(guard, 2, 500, 0);
  EXPECT_FALSE(guard.tripped());
  EXPECT_THAT(guard.agreements(), ElementsAre(DriftGuard::Agreement{2, 1400, 500}));
}

TEST(DriftGuard, WatchesOnlyWhereTheProfileHasAnAgreement) {
  DriftGuard guard(Profile());
  EXPECT_TRUE(guard.Watches(1));
  EXPECT_FALSE(guard.Watches(0));
  EXPECT_FALSE(guard.Watches(3));
  Add(guard, 3, 0, 1000);
  Add(guard, 0, 0, 1000);
  EXPECT_FALSE(guard.tripped());
  EXPECT_THAT(guard.agreements(), IsEmpty());
}

TEST(DriftGuard, CountsSharesAndIgnoresWhatIsNone) {
  DriftGuard guard(Profile());
  guard.Add(1, 0.25);
  guard.Add(1, std::nan(""));
  guard.Add(1, -1);
  guard.Add(1, 2);
  EXPECT_THAT(guard.agreements(), ElementsAre(DriftGuard::Agreement{1, 1, 0.25}));
}

TEST(ShadowSampler, TakesItsShareEvenly) {
  ShadowSampler sampler;
  int taken = 0;
  for (int i = 1; i <= 1000; ++i) {
    taken += sampler.Take(0.01);
    EXPECT_NEAR(taken, i / 100.0, 1.001);
  }
  EXPECT_NEAR(taken, 10, 1);
}

TEST(ShadowSampler, TakesAllOrNothing) {
  ShadowSampler sampler;
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(sampler.Take(1));
  for (int i = 0; i < 1000; ++i) EXPECT_FALSE(sampler.Take(0));
}

}  // namespace
}  // namespace fathom
