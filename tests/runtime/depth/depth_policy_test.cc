#include "runtime/depth/depth_policy.h"

#include <algorithm>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace fathom {
namespace {

using Kind = DepthChoice::Kind;
using ::testing::ElementsAreArray;

constexpr int kLayers = 12;

// A task trained for first … 11, with score 0.9 − 0.01 · n, ± 0.004, over a baseline of 0.5: a
// floor of 0.95 holds up to n = 4 (0.86 − 0.004 ≥ 0.855), one of 0.9 up to n = 8.
TaskInfo Task(int first = 0, int last = kLayers - 1) {
  TaskInfo task{.name = "mood",
                .trained_skip_layers = {.first = first, .last = last},
                .default_skip_layers = first};
  DepthProfile& profile = task.profile.emplace();
  profile.metric = "accuracy";
  profile.majority_baseline = 0.5;
  profile.samples = 1000;
  for (int n = 0; n <= kLayers; ++n) {
    profile.points.push_back(
        {.skip_layers = n, .score = 0.9 - 0.01 * n, .half_width = n == 0 ? 0 : 0.004});
  }
  return task;
}

// The engine's law for one text: n + 1 layers are shared, the others run for each task; adapters
// cost a little in each of their layers. A text kept at depth `tap` starts there, if nobody needs
// less.
using Law = std::function<PassPrediction(absl::Span<const int>)>;
Law LayersOf(double ms_a_layer, int tap = -1, double adapter_ms = 0.1) {
  return [=](absl::Span<const int> depths) {
    double trunk = 0;
    double branches = 0;
    for (const int n : depths) {
      trunk = std::max(trunk, std::min<double>(n, kLayers - 1) + 1);
      branches += kLayers - 1 - std::min(n, kLayers - 1);
    }
    const int least = *std::min_element(depths.begin(), depths.end());
    const double cached = least >= tap ? tap + 1 : 0;
    const double encoder = ms_a_layer * (trunk - cached + branches);
    return PassPrediction{.ms = encoder + adapter_ms * branches, .encoder_ms = encoder};
  };
}

DepthChoice Default() { return {}; }
DepthChoice Exact(int n) { return {.kind = Kind::kExact, .skip_layers = n}; }
DepthChoice Budget(double ms) {
  return {.kind = Kind::kLatencyBudget, .latency_budget = absl::Milliseconds(ms)};
}
DepthChoice MinQuality(double share) { return {.kind = Kind::kMinQuality, .min_quality = share}; }

struct PolicyCase {
  std::string title;
  std::vector<DepthChoice> choices;  // one a task
  std::vector<int> n;
  DepthReason reason = DepthReason::kTaskDefault;  // of the last task
  std::optional<bool> budget_met = {};             // the same
  Law law = LayersOf(1);
  TaskInfo task = Task();
  int brownout_steps = 0;
  double waited_ms = 0;
  double ahead_ms = 0;
  bool drifted = false;
  TaskDepthPolicy policy = {.brownout = true};
};

std::vector<DepthChoice> Eight(const DepthChoice& choice) { return {8, choice}; }
std::vector<int> EightTimes(int n) { return std::vector<int>(8, n); }

TaskInfo With(TaskInfo task, const std::function<void(TaskInfo&)>& change) {
  change(task);
  return task;
}

DepthChoice With(DepthChoice choice, const std::function<void(DepthChoice&)>& change) {
  change(choice);
  return choice;
}

const PolicyCase kCases[] = {
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

    // min_quality.
    {.title = "LargestThatKeepsIt",
     .choices = Eight(MinQuality(0.9)),
     .n = EightTimes(8),
     .reason = DepthReason::kMinQuality},
    {.title = "AtTheLowerEndOfTheInterval",  // 0.86 keeps it, 0.86 − 0.01 does not
     .choices = Eight(MinQuality(0.95)),
     .n = EightTimes(3),
     .reason = DepthReason::kMinQuality,
     .task = With(Task(), [](auto& t) { t.profile->points[4].half_width = 0.01; })},
    {.title = "WithoutHalfWidthsFromAgreement",  // 1.96 · √(0.02 / 1000) = 0.0088
     .choices = Eight(MinQuality(0.95)),
     .n = EightTimes(3),
     .reason = DepthReason::kMinQuality,
     .task = With(Task(),
                  [](auto& t) {
                    for (auto& p : t.profile->points) {
                      p.half_width.reset();
                      p.agreement = p.skip_layers == 0 ? 1 : 0.98;
                    }
                  })},
    {.title = "EverySmallerNMustKeepItToo",
     .choices = Eight(MinQuality(0.9)),
     .n = EightTimes(1),
     .reason = DepthReason::kMinQuality,
     .task = With(Task(), [](auto& t) { t.profile->points[2].score = 0.7; })},
    {.title = "WhatWasNotMeasuredIsNotKept",
     .choices = Eight(MinQuality(0.9)),
     .n = EightTimes(4),
     .reason = DepthReason::kMinQuality,
     .task = With(Task(), [](auto& t) { t.profile->points.erase(t.profile->points.begin() + 5); })},
    {.title = "AllOfTheQualityIsTheWholeAdapter",
     .choices = Eight(MinQuality(1)),
     .n = EightTimes(0),
     .reason = DepthReason::kMinQuality},
    {.title = "NoneOfItEndsAtTheTrainedRange",
     .choices = Eight(MinQuality(0)),
     .n = EightTimes(11),
     .reason = DepthReason::kMinQuality},
    {.title = "UntrainedIfAllowed",
     .choices = Eight(With(MinQuality(0), [](auto& c) { c.allow_untrained_depth = true; })),
     .n = EightTimes(11),
     .reason = DepthReason::kMinQuality,
     .task = Task(0, 5)},
    {.title = "MinQualityOfOneColdTextWithOneTaskNeverRises",
     .choices = {MinQuality(0.9)},
     .n = {0},
     .reason = DepthReason::kMinQuality},
    {.title = "MinQualityRisesNoFurtherThanItPays",
     .choices = {MinQuality(0.9)},
     .n = {3},
     .reason = DepthReason::kMinQuality,
     .law = LayersOf(1, 3)},
    {.title = "BrownoutDoesNotAlterMinQuality",
     .choices = Eight(MinQuality(0.97)),
     .n = EightTimes(2),
     .reason = DepthReason::kMinQuality,
     .brownout_steps = 12},
    {.title = "MinQualityUnpredictedDoesNotRise",
     .choices = Eight(MinQuality(0.9)),
     .n = EightTimes(0),
     .reason = DepthReason::kMinQuality,
     .law = [](absl::Span<const int>) { return PassPrediction{}; }},

    // Brown-out.
    {.title = "BrownoutRisesByItsSteps",
     .choices = Eight(Default()),
     .n = EightTimes(2),
     .reason = DepthReason::kBrownout,
     .brownout_steps = 2},
    {.title = "BrownoutEndsAtTheFloor",
     .choices = Eight(Default()),
     .n = EightTimes(4),
     .reason = DepthReason::kBrownout,
     .brownout_steps = 9},
    {.title = "BrownoutOffForTheTask",
     .choices = Eight(Default()),
     .n = EightTimes(0),
     .brownout_steps = 9,
     .policy = {.brownout = false}},
    {.title = "BrownoutOfOneColdTextWithOneTaskNeverRises",
     .choices = {Default()},
     .n = {0},
     .law = LayersOf(1, -1, 5),
     .brownout_steps = 9},
    {.title = "BrownoutRaisesWhereABudgetBegins",
     .choices = Eight(Budget(200)),
     .n = EightTimes(2),
     .reason = DepthReason::kBrownout,
     .budget_met = true,
     .brownout_steps = 2},
    {.title = "ABudgetRisesOnFromThere",
     .choices = Eight(Budget(70)),
     .n = EightTimes(3),
     .reason = DepthReason::kLatencyBudget,
     .budget_met = false,
     .law = LayersOf(1, -1, 0.5),
     .brownout_steps = 2,
     .policy = {.quality_floor = 0.96, .brownout = true}},

    // Tasks that cannot move.
    {.title = "NoProfileNeverRises",
     .choices = Eight(Budget(1)),
     .n = EightTimes(0),
     .reason = DepthReason::kLatencyBudget,
     .budget_met = false,
     .task = With(Task(), [](auto& t) { t.profile.reset(); }),
     .brownout_steps = 9},
    {.title = "NoBetterThanTheCommonestLabelNeverRises",
     .choices = Eight(Budget(1)),
     .n = EightTimes(0),
     .reason = DepthReason::kLatencyBudget,
     .budget_met = false,
     .task = With(Task(), [](auto& t) { t.profile->majority_baseline = 0.9; }),
     .brownout_steps = 9},
    {.title = "SpecializedStays",
     .choices = {Default(), MinQuality(0), Budget(1)},
     .n = {5, 5, 5},
     .reason = DepthReason::kLatencyBudget,
     .budget_met = false,
     .task = Task(5, 5),
     .brownout_steps = 9},

    // The drift guard.
    {.title = "DriftedStaysAtItsDefault",
     .choices = Eight(Budget(1)),
     .n = EightTimes(0),
     .reason = DepthReason::kDriftGuard,
     .budget_met = false,
     .drifted = true},
    {.title = "DriftedTakesNoPartInBrownout",
     .choices = Eight(Default()),
     .n = EightTimes(0),
     .reason = DepthReason::kDriftGuard,
     .brownout_steps = 3,
     .drifted = true},
    {.title = "DriftedDefaultIsADefault",
     .choices = Eight(Default()),
     .n = EightTimes(0),
     .drifted = true},
    {.title = "DriftedExactIsExact",
     .choices = {Exact(9)},
     .n = {9},
     .reason = DepthReason::kExact,
     .drifted = true},

    // Several tasks.
    {.title = "ADuplicateTaskGetsTheSame",
     .choices = {MinQuality(0.95), MinQuality(0.95)},
     .n = {4, 4},
     .reason = DepthReason::kMinQuality},
    {.title = "EachTaskByItsOwnChoice",
     .choices = {Exact(11), MinQuality(0.98), MinQuality(0.9), Default()},
     .n = {11, 1, 7, 0},  // one layer more of 37 does not pay
     .reason = DepthReason::kTaskDefault,
     .law = LayersOf(1, -1, 0)},
};

class DepthPolicyTable : public ::testing::TestWithParam<PolicyCase> {};

TEST_P(DepthPolicyTable, Holds) {
  const PolicyCase& test = GetParam();
  std::vector<DepthQuestion> questions;
  for (const DepthChoice& choice : test.choices) {
    questions.push_back(
        {.task = &test.task, .choice = choice, .policy = test.policy, .drifted = test.drifted});
  }
  int predictions = 0;
  const std::vector<ChosenDepth> chosen = ChooseDepths(questions,
                                                       {.layers = kLayers,
                                                        .brownout_steps = test.brownout_steps,
                                                        .waited_ms = test.waited_ms,
                                                        .ahead_ms = test.ahead_ms},
                                                       [&](absl::Span<const int> depths) {
                                                         ++predictions;
                                                         return test.law(depths);
                                                       });
  std::vector<int> n;
  for (const ChosenDepth& depth : chosen) n.push_back(depth.skip_layers);
  EXPECT_THAT(n, ElementsAreArray(test.n));
  ASSERT_FALSE(chosen.empty());
  EXPECT_EQ(chosen.back().reason, test.reason);
  EXPECT_EQ(chosen.back().budget_met, test.budget_met);
  EXPECT_LE(predictions, 2 * kLayers + 2);
  const double at_rest =
      test.law(std::vector<int>(test.choices.size(), test.task.default_skip_layers)).ms;
  if (predictions > 0 && at_rest > 0) {
    EXPECT_DOUBLE_EQ(chosen.back().predicted_ms.value_or(-1),
                     test.waited_ms + test.ahead_ms + test.law(n).ms);
  } else {
    EXPECT_FALSE(chosen.back().predicted_ms.has_value());
  }
}

INSTANTIATE_TEST_SUITE_P(Cases, DepthPolicyTable, ::testing::ValuesIn(kCases),
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
