// Rows of the depth policy's table that no budget decides: min_quality, brown-out, drift, and tasks
// that cannot move.
#include "gtest/gtest.h"
#include "tests/runtime/depth/depth_policy_testing.h"

namespace fathom {
namespace {

const PolicyCase kQualityCases[] = {
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

class QualityTable : public ::testing::TestWithParam<PolicyCase> {};

TEST_P(QualityTable, Holds) { ExpectHolds(GetParam()); }

INSTANTIATE_TEST_SUITE_P(Cases, QualityTable, ::testing::ValuesIn(kQualityCases),
                         [](const auto& instance) { return instance.param.title; });

}  // namespace
}  // namespace fathom
