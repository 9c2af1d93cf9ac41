#include <algorithm>
#include <random>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "runtime/pass/plan.h"
#include "tests/runtime/pass/plan_checks.h"

namespace fathom {
namespace {

TEST(PlanPass, AgreesWithBruteForceOnRandomMixes) {
  std::mt19937 random(20201);
  for (int i = 0; i < 3000; ++i) {
    SCOPED_TRACE(i);
    CheckPlan(RandomRequest(random));
    if (HasFailure()) break;
  }
}

double RunOf(const AdapterLayout& layout, int layers, std::vector<int> skip_layers) {
  PlanText text{.tokens = 1};
  for (size_t i = 0; i < skip_layers.size(); ++i) {
    text.tasks.push_back(
        {.adapter = static_cast<int>(i), .layout = &layout, .skip_layers = skip_layers[i]});
  }
  return PlanPass(layers, {text}).work[0].row_layers_run;
}

// (n + 1) + T(11 − n): Table 2 of the paper, by its own arithmetic.
TEST(PlanPass, CountsThePapersTable2ForPfeiffer) {
  const AdapterLayout layout = Pfeiffer(12);
  for (int tasks : {1, 2, 4, 8, 16}) {
    for (int n = 0; n < 12; ++n) {
      EXPECT_NEAR(RunOf(layout, 12, std::vector<int>(static_cast<size_t>(tasks), n)),
                  (n + 1) + tasks * (11 - n), 1e-9);
    }
  }
}

TEST(PlanPass, RunsTheTrunkToTheDeepestForkOfATextWithMixedDepths) {
  EXPECT_NEAR(RunOf(Pfeiffer(12), 12, {5, 11}), 18, 1e-9);
}

TEST(PlanPass, ForksHoulsbyAfterTheAttentionOutput) {
  // (n + 1/3) + T(L − 1 − n + 2/3)
  EXPECT_NEAR(RunOf(Houlsby(12), 12, {5, 5}), 5 + 1.0 / 3 + 2 * (6 + 2.0 / 3), 1e-9);
}

TEST(PlanPass, SharesTheWholeEncoderAtDepthL) {
  EXPECT_NEAR(RunOf(Pfeiffer(12), 12, {12, 12, 12}), 12, 1e-9);
}

// Only the [CLS] row goes through the last layer: of S tokens, (n + 1) S + T (10 − n) S + T rows
// for n <= 10, and 11 S + 1 at n = 11 whatever T (Pfeiffer, L = 12).
TEST(PlanPass, RunsOneRowInTheLastLayerForHeadsThatReadCls) {
  const AdapterLayout layout = Pfeiffer(12);
  const int tokens = 32;
  for (int tasks : {1, 8}) {
    for (int n = 0; n <= 12; ++n) {
      PlanText text{.tokens = tokens};
      for (int task = 0; task < tasks; ++task) {
        text.tasks.push_back(
            {.adapter = task, .layout = &layout, .skip_layers = n, .reads = Reads::kCls});
      }
      const double law = n <= 10 ? (n + 1 + tasks * (10 - n)) * tokens + tasks : 11 * tokens + 1;
      EXPECT_NEAR(PlanPass(12, {text}).work[0].row_layers_run, law, 1e-9) << "n = " << n;
    }
  }
}

// One text, one Pfeiffer task at n, a tap at depth 6 of 12 layers: what the trunk still runs.
TEST(PlanPass, ATapServesTheDepthsFromItsOwnOn) {
  const AdapterLayout layout = Pfeiffer(12);
  for (int n = 0; n <= 12; ++n) {
    const PlanText text{.tokens = 1,
                        .tasks = {{.adapter = 0, .layout = &layout, .skip_layers = n}},
                        .taps = {{.layer = 6, .form = TapForm::kSum}}};
    const Work work = PlanPass(12, {text}).work[0];
    EXPECT_NEAR(work.row_layers_cached, n >= 6 ? 7 : 0, 1e-9) << "n = " << n;
    EXPECT_NEAR(work.row_layers_run + work.row_layers_cached, 12, 1e-9) << "n = " << n;
  }
}

TEST(PlanPass, ATextWhoseTrunkIsAllCachedIsNotEmbedded) {
  const AdapterLayout layout = Pfeiffer(12);
  PlanText text{.tokens = 32, .taps = {{.layer = 11, .form = TapForm::kClsPair}}};
  for (int task = 0; task < 8; ++task) {
    text.tasks.push_back(
        {.adapter = task, .layout = &layout, .skip_layers = 11, .reads = Reads::kCls});
  }
  const PassPlan plan = PlanPass(12, {text});
  EXPECT_THAT(plan.embedded, testing::IsEmpty());
  EXPECT_EQ(plan.work[0].row_layers_run, 0);
  EXPECT_EQ(plan.max_rows, 8);
  EXPECT_EQ(plan.max_tap_rows, 1);
}

TEST(PlanPass, KeepsNothingWhereTheTrunkDoesNotRun) {
  const AdapterLayout layout = Pfeiffer(4);
  const PlanText text{.tokens = 2,
                      .tasks = {{.adapter = 0, .layout = &layout, .skip_layers = 1}},
                      .keep = TapPoint{.layer = 2, .form = TapForm::kSum}};
  for (const Stage& stage : PlanPass(4, {text}).stages) EXPECT_TRUE(stage.stores.empty());
}

TEST(Planner, FindsTheLayersThatTheTrunkRunsThrough) {
  const AdapterLayout layout = Pfeiffer(12);
  const auto at = [&](int n) {
    return PlanTask{.adapter = 0, .layout = &layout, .skip_layers = n, .reads = Reads::kCls};
  };
  Planner planner(12);
  TrunkLayers found = planner.FindTrunkLayers({.tokens = 3, .tasks = {at(5)}});
  EXPECT_EQ(found.first, 0);
  EXPECT_EQ(found.last, 5);
  found = planner.FindTrunkLayers(
      {.tokens = 3, .tasks = {at(2), at(11)}, .taps = {{.layer = 8, .form = TapForm::kSum}}});
  EXPECT_EQ(found.first, 9);
  EXPECT_EQ(found.last, 11);
  EXPECT_TRUE(found.cls_only_at_end);
  found = planner.FindTrunkLayers(
      {.tokens = 3, .tasks = {at(11)}, .taps = {{.layer = 11, .form = TapForm::kClsPair}}});
  EXPECT_LT(found.last, found.first);
}

TEST(Planner, PlansTheSameAfterAnyOtherPass) {
  std::mt19937 random(7);
  Planner planner(6);
  for (int i = 0; i < 200; ++i) {
    Request request = RandomRequest(random);
    if (request.layers != 6) continue;
    const PassPlan& reused = planner.Plan(request.texts);
    const PassPlan fresh = PlanPass(6, request.texts);
    EXPECT_EQ(reused.embedded, fresh.embedded);
    EXPECT_EQ(reused.max_tap_rows, fresh.max_tap_rows);
    for (size_t s = 0; s < fresh.stages.size(); ++s) {
      EXPECT_EQ(reused.stages[s].epilogue, fresh.stages[s].epilogue);
      EXPECT_EQ(reused.stages[s].tap_epilogue, fresh.stages[s].tap_epilogue);
      EXPECT_EQ(reused.stages[s].stores, fresh.stages[s].stores);
    }
  }
}

TEST(PlanPass, MakesOneSegmentOfTwoTextsThatShareATask) {
  const AdapterLayout layout = Pfeiffer(2);
  const PlanTask task{.adapter = 0, .layout = &layout, .skip_layers = 0};
  const PassPlan plan =
      PlanPass(2, {{.tokens = 3, .tasks = {task}}, {.tokens = 2, .tasks = {task}}});
  const EpilogueSegment all{.count = 5, .adapter = 0};
  EXPECT_THAT(plan.stages[1].epilogue, testing::ElementsAre(all));
  EXPECT_THAT(plan.stages[3].epilogue, testing::ElementsAre(all));
}

TEST(PlanPass, ComputesOneTaskAskedTwiceOnce) {
  const AdapterLayout layout = Pfeiffer(3);
  const PlanTask task{.adapter = 0, .layout = &layout, .skip_layers = 1};
  const PassPlan plan = PlanPass(3, {{.tokens = 4, .tasks = {task, task}}});
  EXPECT_EQ(plan.outputs[0].rows, plan.outputs[1].rows);
  EXPECT_NEAR(plan.work[0].row_layers_run, 12, 1e-9);
}

TEST(PlanPass, DoesNotDependOnTheOrderOfTasks) {
  const AdapterLayout a = Pfeiffer(4), b = Houlsby(4, {2});
  std::vector<PlanTask> tasks = {{.adapter = 0, .layout = &a, .skip_layers = 1},
                                 {.adapter = 1, .layout = &b, .skip_layers = 2},
                                 {.adapter = 0, .layout = &a, .skip_layers = 3},
                                 {.adapter = PlanTask::kNoAdapter}};
  const PassPlan forward = PlanPass(4, {{.tokens = 3, .tasks = tasks}});
  std::reverse(tasks.begin(), tasks.end());
  const PassPlan backward = PlanPass(4, {{.tokens = 3, .tasks = tasks}});
  for (size_t s = 0; s < forward.stages.size(); ++s) {
    EXPECT_EQ(forward.stages[s].epilogue, backward.stages[s].epilogue);
  }
  for (size_t i = 0; i < tasks.size(); ++i) {
    EXPECT_EQ(forward.outputs[i].rows, backward.outputs[tasks.size() - 1 - i].rows);
  }
}

}  // namespace
}  // namespace fathom
