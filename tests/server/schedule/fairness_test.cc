#include "server/schedule/fairness.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>

namespace fathom {
namespace {

using ::testing::ElementsAreArray;

const absl::Time kNow = absl::FromUnixSeconds(1000);

struct TurnsCase {
  std::string title;
  std::vector<WaitingRequest> waiting;
  std::vector<double> costs;  // of each request's only turn
  std::vector<size_t> turns = {};
};

class FairTurnsTable : public ::testing::TestWithParam<TurnsCase> {};

TEST_P(FairTurnsTable, Holds) {
  const TurnsCase& row = GetParam();
  std::vector<size_t> all(row.waiting.size());
  for (size_t i = 0; i < all.size(); ++i) all[i] = i;
  FairTurns turns(row.waiting, all);
  std::vector<size_t> taken;
  while (!turns.empty()) {
    taken.push_back(turns.Next());
    turns.Took(row.costs[taken.back()], /*finished=*/true);
  }
  EXPECT_THAT(taken, ElementsAreArray(row.turns));
}

WaitingRequest Of(uint64_t client, uint64_t task, double client_usage = 0, double task_usage = 0) {
  return {.client = {client, client_usage}, .task = {task, task_usage}};
}

WaitingRequest Until(WaitingRequest request, int ms) {
  request.deadline = kNow + absl::Milliseconds(ms);
  return request;
}

INSTANTIATE_TEST_SUITE_P(
    Cases, FairTurnsTable,
    ::testing::Values(
        TurnsCase{"OneClientInOrder", {Of(1, 1), Of(1, 1), Of(1, 1)}, {1, 1, 1}, {0, 1, 2}},
        TurnsCase{
            "ClientsInTurn", {Of(1, 1), Of(1, 1), Of(1, 1), Of(2, 2)}, {1, 1, 1, 1}, {0, 3, 1, 2}},
        TurnsCase{"ByCostNotByNumber",
                  {Of(1, 1), Of(1, 1), Of(2, 2), Of(2, 2), Of(2, 2)},
                  {3, 3, 1, 1, 1},
                  {0, 2, 3, 4, 1}},
        TurnsCase{"WhoUsedLessOfLateGoesFirst", {Of(1, 1, 0.5), Of(2, 2, 0.1)}, {1, 1}, {1, 0}},
        TurnsCase{"TasksOfAClientInTurn",
                  {Of(1, 1), Of(1, 1), Of(1, 2), Of(1, 2)},
                  {1, 1, 1, 1},
                  {0, 2, 1, 3}},
        TurnsCase{"AClientsTasksAreNoMoreThanOneClient",
                  {Of(1, 1), Of(1, 2), Of(1, 3), Of(2, 4), Of(2, 4)},
                  {1, 1, 1, 1, 1},
                  {0, 3, 1, 4, 2}},
        TurnsCase{"EqualUsageByDeadline",
                  {Of(1, 1), Until(Of(2, 2), 500), Until(Of(3, 3), 300)},
                  {1, 1, 1},
                  {2, 1, 0}}),
    [](const auto& instance) { return instance.param.title; });

TEST(FairTurns, WhatIsNotFinishedGoesBehindTheOthers) {
  const std::vector<WaitingRequest> waiting = {Of(1, 1), Of(1, 1)};
  FairTurns turns(waiting, {0, 1});
  EXPECT_EQ(turns.Next(), 0U);
  turns.Took(1, /*finished=*/false);
  EXPECT_EQ(turns.Next(), 1U);
  turns.Took(1, /*finished=*/true);
  EXPECT_EQ(turns.Next(), 0U);
  turns.Took(1, /*finished=*/true);
  EXPECT_TRUE(turns.empty());
}

TEST(RecentUsage, FadesByHalf) {
  RecentUsage usage(7);
  EXPECT_EQ(usage.id(), 7U);
  EXPECT_EQ(usage.At(kNow), 0);
  usage.Add(4, kNow);
  EXPECT_DOUBLE_EQ(usage.At(kNow), 4);
  EXPECT_DOUBLE_EQ(usage.At(kNow + RecentUsage::kHalfLife), 2);
  usage.Add(1, kNow + RecentUsage::kHalfLife);
  EXPECT_DOUBLE_EQ(usage.At(kNow + 2 * RecentUsage::kHalfLife), 1.5);
  EXPECT_EQ(usage.At(kNow + 30 * RecentUsage::kHalfLife), 0);
}

TEST(UsageTable, KeepsWhatIsHeldAndBoundsTheRest) {
  UsageTable table;
  const auto held = table.Find("held", kNow);
  held->Add(1, kNow);
  for (size_t i = 0; i < 3 * UsageTable::kMaxIdle; ++i) {
    table.Find(std::to_string(i), kNow)->Add(100, kNow);
    ASSERT_LE(table.size(), UsageTable::kMaxIdle);
  }
  EXPECT_EQ(table.Find("held", kNow), held);
}

TEST(UsageTable, ForgetsFirstWhatHasFaded) {
  UsageTable table;
  table.Find("old", kNow)->Add(1, kNow);
  const absl::Time later = kNow + absl::Minutes(1);
  table.Find("busy", later)->Add(1, later);
  for (size_t i = 0; i < UsageTable::kMaxIdle; ++i) table.Find(std::to_string(i), later);
  EXPECT_DOUBLE_EQ(table.Find("busy", later)->At(later), 1);
  EXPECT_EQ(table.Find("old", later)->At(later), 0);
}

}  // namespace
}  // namespace fathom
