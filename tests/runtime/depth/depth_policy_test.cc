#include "runtime/depth/depth_policy.h"

#include <vector>

#include "gtest/gtest.h"
#include "tests/runtime/depth/depth_policy_testing.h"

namespace fathom {
namespace {

const PolicyCase kBudgetCases[] = {
    // Asked for nothing, or for an exact n.
    {.title = "DefaultStays", .choices = Eight(Default()), .n = EightTimes(0)},
    {.title = "ExactIsNeverAltered",
     .choices = {Exact(7)},
     .n = {7},
     .reason = DepthReason::kExact,
     .brownout_steps = 12},
    {.title = "ExactStaysBesideOthers",
     .choices = {Default(), Default(), Exact(2)},
     .n = {4, 4, 2},
     .reason = DepthReason::kExact,
     .brownout_steps = 12},
    {.title = "OperatorsDefault",
     .choices = {Default()},
     .n = {3},
     .policy = {.default_skip_layers = 3}},
    {.title = "OperatorsDefaultOutsideThisVersionsRange",
     .choices = {Default()},
     .n = {5},
     .task = Task(5, 5),
     .policy = {.default_skip_layers = 3}},

    // latency_budget.
    {.title = "BudgetThatFitsAtOnce",
     .choices = Eight(Budget(200)),
     .n = EightTimes(0),
     .reason = DepthReason::kLatencyBudget,
     .budget_met = true},
    // n = 0 takes 89 layers, 1 takes 82, 2 takes 75 and 3 takes 68, and adapters 0.1 each.
    {.title = "SmallestThatFits",
     .choices = Eight(Budget(83)),
     .n = EightTimes(2),
     .reason = DepthReason::kLatencyBudget,
     .budget_met = true},
    {.title = "WaitingCounts",
     .choices = Eight(Budget(93)),
     .n = EightTimes(2),
     .reason = DepthReason::kLatencyBudget,
     .budget_met = true,
     .waited_ms = 10},
    {.title = "WorkAheadCounts",
     .choices = Eight(Budget(93)),
     .n = EightTimes(2),
     .reason = DepthReason::kLatencyBudget,
     .budget_met = true,
     .ahead_ms = 10},
    {.title = "NoneFitsGivesTheFastestWithinTheFloor",
     .choices = Eight(Budget(1)),
     .n = EightTimes(4),
     .reason = DepthReason::kLatencyBudget,
     .budget_met = false},
    // 100, 80, 79, 78 and 77 ms: 79 is within 3 % of 77.
    {.title = "NoneFitsGivesTheSmallestAsGoodAsTheFastest",
     .choices = {Budget(1)},
     .n = {2},
     .reason = DepthReason::kLatencyBudget,
     .budget_met = false,
     .law =
         [](absl::Span<const int> n) {
           const double ms = n[0] == 0 ? 100 : 81 - n[0];
           return PassPrediction{ms, ms};
         }},
    {.title = "CallsFloorGoesBeforeTheTasks",
     .choices = Eight(With(Budget(1), [](auto& c) { c.quality_floor = 0.9; })),
     .n = EightTimes(8),
     .reason = DepthReason::kLatencyBudget,
     .budget_met = false},
    {.title = "FloorOfOnePins",
     .choices = Eight(With(Budget(1), [](auto& c) { c.quality_floor = 1; })),
     .n = EightTimes(0),
     .reason = DepthReason::kLatencyBudget,
     .budget_met = false,
     .task =
         With(Task(), [](auto& t) { t.profile->points[1] = {.skip_layers = 1, .score = 0.9}; })},
    {.title = "TightestBudgetDecidesForAll",
     .choices = {Budget(25), Budget(21.5)},
     .n = {2, 2},
     .reason = DepthReason::kLatencyBudget,
     .budget_met = true,
     .law = LayersOf(1, -1, 0)},
    // What it would no longer run itself, the trunk would run for it.
    {.title = "BudgetBesideAnExactTaskAtZero",
     .choices = {Exact(0), Budget(22)},
     .n = {0, 0},
     .reason = DepthReason::kLatencyBudget,
     .budget_met = false},
    {.title = "OneColdTextWithOneTaskNeverRises",
     .choices = {Budget(1)},
     .n = {0},
     .reason = DepthReason::kLatencyBudget,
     .budget_met = false},
    {.title = "NorIfAdaptersCostALot",
     .choices = {Budget(13)},
     .n = {0},
     .reason = DepthReason::kLatencyBudget,
     .budget_met = false,
     .law = LayersOf(1, -1, 5)},
    {.title = "OneKeptTextWithOneTaskRisesToItsTap",
     .choices = {Budget(9)},
     .n = {3},
     .reason = DepthReason::kLatencyBudget,
     .budget_met = true,
     .law = LayersOf(1, 3)},
    {.title = "NothingPredictedPromisesNothing",
     .choices = {Budget(1000)},
     .n = {0},
     .reason = DepthReason::kLatencyBudget,
     .budget_met = false,
     .law = [](absl::Span<const int>) { return PassPrediction{}; }},

    // 82.2 ms would fit, but one pass of twenty takes 10 % more.
    {.title = "ABudgetHoldsForALatePass",
     .choices = Eight(Budget(83)),
     .n = EightTimes(3),
     .reason = DepthReason::kLatencyBudget,
     .budget_met = true,
     .law =
         [](absl::Span<const int> n) {
           PassPrediction prediction = LayersOf(1)(n);
           prediction.late_ms = 1.1 * prediction.ms;
           return prediction;
         }},
    // With finished answers kept at n = 3.
    {.title = "ADepthWhoseAnswersAreKeptTakesNothing",
     .choices = Eight(Budget(50)),
     .n = EightTimes(3),
     .reason = DepthReason::kLatencyBudget,
     .budget_met = true,
     .law =
         [](absl::Span<const int> n) {
           return n[0] == 3 ? PassPrediction{} : PassPrediction{.ms = 90, .encoder_ms = 90};
         }},
};

class BudgetTable : public ::testing::TestWithParam<PolicyCase> {};

TEST_P(BudgetTable, Holds) { ExpectHolds(GetParam()); }

INSTANTIATE_TEST_SUITE_P(Cases, BudgetTable, ::testing::ValuesIn(kBudgetCases),
                         [](const auto& instance) { return instance.param.title; });

PassPrediction NeverAsked(absl::Span<const int> /*depths*/) {
  ADD_FAILURE() << "a prediction that nobody needs";
  return {};
}

TEST(ChooseDepths, PredictsNothingWhereNothingCanRise) {
  const TaskInfo task = Task();
  const std::vector<DepthQuestion> questions = {{.task = &task, .choice = Exact(3)},
                                                {.task = &task, .choice = Default()},
                                                {.task = &task, .choice = MinQuality(1)}};
  const auto chosen = ChooseDepths(questions, {.layers = kLayers}, NeverAsked);
  EXPECT_EQ(chosen[0].skip_layers, 3);
  EXPECT_FALSE(chosen[0].predicted_ms.has_value());
}

TEST(ChooseDepths, OfNoTasksIsNothing) {
  EXPECT_TRUE(ChooseDepths({}, {.layers = kLayers, .brownout_steps = 3}, NeverAsked).empty());
}

TEST(ChooseDepths, TheRawEncoderHasNoDepth) {
  const DepthQuestion raw = {.task = nullptr, .choice = Budget(5)};
  const auto chosen = ChooseDepths({&raw, 1}, {.layers = kLayers}, LayersOf(0.1));
  EXPECT_EQ(chosen[0].skip_layers, 0);
  EXPECT_EQ(chosen[0].budget_met, true);
}

// They rise together, each within its own floor, as far as it pays.
TEST(ChooseDepths, TasksOfDifferentFloorsShareABudget) {
  const TaskInfo task = Task();
  std::vector<DepthQuestion> questions(4, {.task = &task, .choice = Budget(1)});
  questions[1].policy.quality_floor = 0.9;
  questions[2].choice.quality_floor = 0.98;
  questions[3].choice = Exact(0);
  const auto chosen = ChooseDepths(questions, {.layers = kLayers}, LayersOf(1));
  EXPECT_EQ(chosen[0].skip_layers, 4);
  EXPECT_EQ(chosen[1].skip_layers, 4);
  EXPECT_EQ(chosen[2].skip_layers, 1);
  EXPECT_EQ(chosen[3].skip_layers, 0);
}

}  // namespace
}  // namespace fathom
