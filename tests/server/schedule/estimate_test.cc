#include "server/schedule/estimate.h"

#include <gtest/gtest.h>

#include "tests/server/fake_engine.h"

namespace fathom {
namespace {

class EstimateTest : public ::testing::Test {
 protected:
  EstimateTest() { engine_.AddTask(ClassificationTask("mood", {"bad", "good"})); }

  // `count` texts of 4 tokens with 2 tasks each.
  std::vector<ScheduledText> Texts(int count, DepthChoice::Kind kind = DepthChoice::Kind::kExact) {
    std::vector<ScheduledText> texts(static_cast<size_t>(count));
    for (ScheduledText& text : texts) {
      text.text.ids.assign(4, 7);
      text.tasks.assign(2, {.task = *engine_.FindTask("mood", 0), .depth = {.kind = kind}});
    }
    return texts;
  }

  FakeEngine engine_;
};

TEST_F(EstimateTest, NothingIsPredictedWithoutACostModel) {
  EXPECT_EQ(FixedPassMs(engine_), 0);
  const RequestEstimate estimate = EstimateRequest(engine_, Texts(2), 100, 0, true);
  EXPECT_EQ(estimate.row_ms, 0);
  EXPECT_EQ(estimate.alone_ms, 0);
  EXPECT_EQ(estimate.least_ms, 0);
}

TEST_F(EstimateTest, RowsAreTakenWithoutThePartThatEveryPassHas) {
  engine_.SetCost(30, 0.5);
  EXPECT_NEAR(FixedPassMs(engine_), 30, 1e-9);
  const RequestEstimate estimate = EstimateRequest(engine_, Texts(3), 100, 30, true);
  EXPECT_NEAR(estimate.row_ms, 0.5, 1e-9);
  EXPECT_NEAR(estimate.alone_ms, 30 + 24 * 0.5, 1e-9);
  EXPECT_EQ(estimate.least_ms, estimate.alone_ms);  // every n is given
}

TEST_F(EstimateTest, ALargeRequestIsTakenForTheSameThroughout) {
  engine_.SetCost(30, 0.5);
  const RequestEstimate estimate = EstimateRequest(engine_, Texts(100), 20, 30, true);
  EXPECT_NEAR(estimate.row_ms, 0.5, 1e-9);
  EXPECT_NEAR(estimate.alone_ms, 30 + 800 * 0.5, 1e-6);
}

TEST_F(EstimateTest, AnOpenDepthMayTakeLess) {
  engine_.SetCost(0, 1);
  const auto texts = Texts(3, DepthChoice::Kind::kLatencyBudget);
  const RequestEstimate estimate = EstimateRequest(engine_, texts, 100, 0, true);
  EXPECT_NEAR(estimate.alone_ms, 24, 1e-9);
  EXPECT_NEAR(estimate.least_ms, 24.0 / 12, 1e-9);  // at n = 11 of 12
  EXPECT_EQ(EstimateRequest(engine_, texts, 100, 0, false).least_ms, estimate.alone_ms);
}

TEST_F(EstimateTest, SomethingIsAlwaysTheRequestsOwn) {
  engine_.SetCost(30, 0);
  EXPECT_GT(EstimateRequest(engine_, Texts(1), 100, 30, true).row_ms, 0);
}

}  // namespace
}  // namespace fathom
