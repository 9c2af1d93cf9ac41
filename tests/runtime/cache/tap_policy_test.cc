#include "runtime/cache/tap_policy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace fathom {
namespace {

using enum TapForm;

constexpr int kLayers = 12;

// [L + 1]: P(n >= c) when each of `depths` is asked equally often.
std::vector<double> AskedAtLeast(const std::vector<int>& depths) {
  std::vector<double> at_least(kLayers + 1);
  for (int c = 0; c <= kLayers; ++c) {
    for (const int n : depths) {
      if (n >= c) at_least[static_cast<size_t>(c)] += 1.0 / static_cast<double>(depths.size());
    }
  }
  return at_least;
}

struct PolicyCase {
  std::string title;
  std::vector<int> asked = {};  // lately; none: no history
  int first = 0;                // of the layers that the trunk computes
  int last = -1;
  bool cls_only_at_last = true;
  int sightings = 2;
  std::vector<TapPoint> kept = {};
  std::vector<int> pair_layers = {};
  std::optional<TapPoint> chosen = {};
};

class ChooseTapTable : public ::testing::TestWithParam<PolicyCase> {};

TEST_P(ChooseTapTable, Holds) {
  const PolicyCase& row = GetParam();
  const std::vector<double> at_least = AskedAtLeast(row.asked);
  EXPECT_EQ(ChooseTap({.layers = kLayers,
                       .first_computed = row.first,
                       .last_computed = row.last,
                       .cls_only_at_last = row.cls_only_at_last,
                       .sightings = row.sightings,
                       .kept = row.kept,
                       .asked_at_least = at_least,
                       .pair_layers = row.pair_layers}),
            row.chosen);
}

INSTANTIATE_TEST_SUITE_P(
    Cases, ChooseTapTable,
    ::testing::Values(
        PolicyCase{.title = "NothingComputedNothingKept", .asked = {5}},
        PolicyCase{
            .title = "TheOnlyDepthAsked", .asked = {5}, .last = 9, .chosen = TapPoint{5, kSum}},
        PolicyCase{.title = "TheDeepestPassedIfAllAskDeeper",
                   .asked = {9},
                   .last = 5,
                   .chosen = TapPoint{5, kSum}},
        // 6 · 1 against 10 · 1/2.
        PolicyCase{.title = "SavedLayersTimesShareDecide",
                   .asked = {5, 9},
                   .last = 9,
                   .chosen = TapPoint{5, kSum}},
        // 4 · 1 against 10 · 1/2.
        PolicyCase{.title = "ADeepOneForHalfOfTheCallers",
                   .asked = {3, 9},
                   .last = 9,
                   .chosen = TapPoint{9, kSum}},
        // 5 · 1 = 10 · 1/2.
        PolicyCase{.title = "OfEqualOnesTheDeeper",
                   .asked = {4, 9},
                   .last = 9,
                   .chosen = TapPoint{9, kSum}},
        PolicyCase{.title = "OnlyLayersThatThePassComputes",
                   .asked = {5, 9},
                   .first = 7,
                   .last = 9,
                   .chosen = TapPoint{9, kSum}},
        PolicyCase{.title = "WithoutHistoryTheDeepest", .last = 6, .chosen = TapPoint{6, kSum}},
        PolicyCase{.title = "AllRowsNotAtFirstSight", .asked = {5}, .last = 5, .sightings = 1},
        PolicyCase{.title = "TheClsRowAtFirstSight",
                   .asked = {11},
                   .last = 11,
                   .sightings = 1,
                   .chosen = TapPoint{11, kClsPair}},
        PolicyCase{.title = "TheClsRowAtFirstSightThoughAnotherIsWorthMore",
                   .asked = {9, 9, 11},
                   .last = 11,
                   .sightings = 1,
                   .chosen = TapPoint{11, kClsPair}},
        PolicyCase{.title = "AllRowsAtTheLastLayerNotAtFirstSight",
                   .asked = {11},
                   .last = 11,
                   .cls_only_at_last = false,
                   .sightings = 1},
        PolicyCase{.title = "AllRowsAtTheLastLayer",
                   .asked = {11},
                   .last = 11,
                   .cls_only_at_last = false,
                   .chosen = TapPoint{11, kSum}},
        PolicyCase{.title = "APairWhereATaskNeedsOne",
                   .asked = {5},
                   .last = 5,
                   .pair_layers = {3, 5},
                   .chosen = TapPoint{5, kPair}},
        PolicyCase{.title = "ASumWhereATaskNeedsAPairElsewhere",
                   .asked = {5},
                   .last = 5,
                   .pair_layers = {3},
                   .chosen = TapPoint{5, kSum}},
        PolicyCase{.title = "NotTheSameAgain", .asked = {5}, .last = 5, .kept = {{5, kSum}}},
        PolicyCase{.title = "NotASumBesideAPair", .asked = {5}, .last = 5, .kept = {{5, kPair}}},
        PolicyCase{.title = "APairInPlaceOfASum",
                   .asked = {5},
                   .last = 5,
                   .kept = {{5, kSum}},
                   .pair_layers = {5},
                   .chosen = TapPoint{5, kPair}},
        PolicyCase{.title = "AllRowsInPlaceOfOne",
                   .asked = {11},
                   .last = 11,
                   .cls_only_at_last = false,
                   .kept = {{11, kClsPair}},
                   .chosen = TapPoint{11, kSum}},
        PolicyCase{
            .title = "NotOneRowBesideAPairOfAll", .asked = {11}, .last = 11, .kept = {{11, kPair}}},
        PolicyCase{.title = "ASecondBelow",
                   .asked = {5, 9},
                   .last = 5,
                   .kept = {{9, kSum}},
                   .chosen = TapPoint{5, kSum}},
        // 10 · 1 against 12 · 1/2 of the one that would go.
        PolicyCase{.title = "AThirdThatIsWorthMore",
                   .asked = {9, 11},
                   .first = 6,
                   .last = 9,
                   .kept = {{5, kSum}, {11, kClsPair}},
                   .chosen = TapPoint{9, kSum}},
        // 12 · 1/2 against 10 · 1.
        PolicyCase{.title = "NoThirdThatIsWorthLess",
                   .asked = {9, 11},
                   .first = 10,
                   .last = 11,
                   .kept = {{5, kSum}, {9, kSum}}},
        // 5 · 1 = 10 · 1/2.
        PolicyCase{.title = "NoThirdThatIsWorthTheSame",
                   .asked = {4, 9},
                   .first = 3,
                   .last = 4,
                   .kept = {{2, kSum}, {9, kSum}}},
        PolicyCase{.title = "APairInPlaceOfASumIsNoThird",
                   .asked = {5, 9},
                   .last = 5,
                   .kept = {{5, kSum}, {9, kSum}},
                   .pair_layers = {5},
                   .chosen = TapPoint{5, kPair}}),
    [](const auto& test) { return test.param.title; });

}  // namespace
}  // namespace fathom
