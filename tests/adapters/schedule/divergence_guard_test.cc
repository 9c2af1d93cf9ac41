#include "adapters/schedule/divergence_guard.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>

namespace fathom::training {
namespace {

// The step that ends a run of `steps` losses; 0: none does.
int64_t DivergedAt(int64_t steps, const std::function<double(int64_t)>& loss) {
  DivergenceGuard guard;
  for (int64_t step = 1; step <= steps; ++step) {
    if (guard.Diverged(loss(step))) return step;
  }
  return 0;
}

TEST(DivergenceGuard, ALossThatRunsAwayEndsTheRun) {
  const auto jump = [](int64_t step) { return step <= 200 ? 0.7 : 50.0; };
  // 2 % of 50 a step pass 2.1 after two steps; then 100 steps in a row.
  EXPECT_EQ(DivergedAt(1000, jump), 201 + 1 + 99);
}

TEST(DivergenceGuard, LearningAndNoiseDoNot) {
  EXPECT_EQ(DivergedAt(20000,
                       [](int64_t step) {
                         return 0.7 / (1 + static_cast<double>(step) / 100) *
                                (1.5 + std::sin(step));
                       }),
            0);
}

TEST(DivergenceGuard, AHighPlateauThatStaysDoesNot) {
  EXPECT_EQ(DivergedAt(5000, [](int64_t) { return 40.0; }), 0);
}

TEST(DivergenceGuard, APeakThatPassesDoesNot) {
  EXPECT_EQ(DivergedAt(3000, [](int64_t step) { return step % 500 == 0 ? 60.0 : 0.7; }), 0);
}

TEST(DivergenceGuard, GoesOnFromItsState) {
  DivergenceGuard whole;
  DivergenceGuard resumed;
  for (int step = 0; step < 260; ++step) {
    const double loss = step < 150 ? 1 : 20;
    EXPECT_EQ(whole.Diverged(loss), resumed.Diverged(loss)) << step;
    if (step % 37 == 0) resumed = DivergenceGuard(resumed.state());
  }
  EXPECT_EQ(whole.state(), resumed.state());
  EXPECT_TRUE(whole.Diverged(20));
}

}  // namespace
}  // namespace fathom::training
