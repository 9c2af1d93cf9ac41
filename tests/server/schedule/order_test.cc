#include "server/schedule/order.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace fathom {
namespace {

using ::testing::ElementsAre;
using ::testing::ElementsAreArray;

const absl::Time kNow = absl::FromUnixSeconds(1000);
constexpr OrderRules kRules = {.ageing = absl::Milliseconds(500), .near = absl::Milliseconds(200)};

absl::Time In(int ms) { return kNow + absl::Milliseconds(ms); }

TEST(LevelOf, RisesByOneWithEachAgeing) {
  struct Row {
    int priority;
    int waited_ms;
    int level;
  };
  for (const Row& row : {Row{0, 0, 0}, Row{0, 499, 0}, Row{0, 500, 1}, Row{3, 1600, 6},
                         Row{9, 500, 10}, Row{0, -100, 0}}) {
    const WaitingRequest request{.priority = row.priority, .since = In(-row.waited_ms)};
    EXPECT_EQ(LevelOf(request, kNow, kRules.ageing), row.level) << row.waited_ms;
  }
  EXPECT_EQ(LevelOf({.priority = 4, .since = In(-9999)}, kNow, absl::InfiniteDuration()), 4);
}

TEST(LevelOf, NothingThatComesLateEnoughOvertakes) {
  for (int priority = 0; priority <= 9; ++priority) {
    const WaitingRequest early{.priority = priority, .since = kNow};
    const WaitingRequest late{.priority = 9, .since = kNow + (10 - priority) * kRules.ageing};
    for (int ms = 0; ms < 20'000; ms += 37) {
      const absl::Time then = late.since + absl::Milliseconds(ms);
      ASSERT_GT(LevelOf(early, then, kRules.ageing), LevelOf(late, then, kRules.ageing));
    }
  }
}

TEST(IsDeadlineNear, CountsTheRequestsOwnTime) {
  EXPECT_FALSE(IsDeadlineNear({.deadline = In(201)}, kNow, kRules.near));
  EXPECT_TRUE(IsDeadlineNear({.deadline = In(200)}, kNow, kRules.near));
  EXPECT_TRUE(IsDeadlineNear({.deadline = In(240), .ms = 40}, kNow, kRules.near));
  EXPECT_FALSE(IsDeadlineNear({.ms = 1e9}, kNow, kRules.near));
}

TEST(TurnsTaken, OnlyWhatIsLargeTakesTurns) {
  EXPECT_EQ(TurnsTaken({.waiting_share = 0.5, .taken_share = 7}), 0);  // the rest of a large one
  EXPECT_EQ(TurnsTaken({.waiting_share = 0.6}), 1);
  EXPECT_EQ(TurnsTaken({.waiting_share = 3, .taken_share = 0.5}), 2);
  EXPECT_EQ(TurnsTaken({.waiting_share = 3, .taken_share = 1.4}), 3);
}

TEST(TurnMs, IsAllOfASmallRequestAndHalfAPassOfALargeOne) {
  EXPECT_DOUBLE_EQ(TurnMs(30, 0.3), 30);
  EXPECT_DOUBLE_EQ(TurnMs(400, 4), 50);
}

struct OrderCase {
  std::string title;
  std::vector<WaitingRequest> waiting;
  std::vector<std::vector<size_t>> classes;
};

class ClassesInOrderTable : public ::testing::TestWithParam<OrderCase> {};

TEST_P(ClassesInOrderTable, Holds) {
  std::vector<std::vector<size_t>> classes;
  for (const ServiceClass& group : ClassesInOrder(GetParam().waiting, kNow, kRules)) {
    classes.push_back(group.requests);
  }
  EXPECT_THAT(classes, ElementsAreArray(GetParam().classes));
}

INSTANTIATE_TEST_SUITE_P(
    Cases, ClassesInOrderTable,
    ::testing::Values(
        OrderCase{.title = "NothingWaits"},
        OrderCase{"ByArrivalWhereNothingDiffers", {{}, {}, {}}, {{0, 1, 2}}},
        OrderCase{"HigherPriorityFirst",
                  {{.priority = 1, .since = kNow},
                   {.priority = 9, .since = kNow},
                   {.priority = 1, .since = kNow}},
                  {{1}, {0, 2}}},
        OrderCase{"WhatWaitedLongHasRisen",
                  {{.priority = 0, .since = In(-1100)}, {.priority = 1, .since = kNow}},
                  {{0}, {1}}},
        OrderCase{"NearDeadlinesFirstAndByDeadline",
                  {{.since = kNow},
                   {.since = kNow, .deadline = In(150)},
                   {.since = kNow, .deadline = In(100)}},
                  {{2, 1}, {0}}},
        OrderCase{"PriorityGoesBeforeANearDeadline",
                  {{.since = kNow, .deadline = In(10)}, {.priority = 1, .since = kNow}},
                  {{1}, {0}}},
        OrderCase{"FarDeadlinesByDeadline",
                  {{.since = kNow},
                   {.since = kNow, .deadline = In(3000)},
                   {.since = kNow, .deadline = In(2000)}},
                  {{2, 1, 0}}},
        OrderCase{"SmallBeforeLarge",
                  {{.since = kNow, .waiting_share = 4}, {.since = kNow, .waiting_share = 0.2}},
                  {{1, 0}}},
        OrderCase{"LargeOnesTakeTurns",
                  {{.since = kNow, .waiting_share = 4, .taken_share = 1},
                   {.since = kNow, .waiting_share = 4}},
                  {{1, 0}}},
        OrderCase{"WhatIsGoneIsLeftOut",
                  {{.since = kNow, .deadline = kNow},
                   {.since = kNow, .cancelled = true},
                   {.since = kNow}},
                  {{2}}}),
    [](const auto& instance) { return instance.param.title; });

}  // namespace
}  // namespace fathom
