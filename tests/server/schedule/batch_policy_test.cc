#include "server/schedule/batch_policy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>
#include <string>

namespace fathom {
namespace {

using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using ::testing::Pair;

const absl::Time kNow = absl::FromUnixSeconds(1000);
constexpr OrderRules kRules = {.ageing = absl::Milliseconds(500), .near = absl::Milliseconds(200)};

absl::Time In(int ms) { return kNow + absl::Milliseconds(ms); }

// A request whose units have these many tokens and one item each.
struct Row {
  std::vector<int64_t> unit_rows;
  WaitingRequest request = {.since = kNow};
  double row_ms = 0;
  std::vector<uint64_t> flights = {};  // of the units; empty: nobody else's
};

Row Expires(Row row, absl::Time when) {
  row.request.deadline = when;
  return row;
}
Row Cancelled(Row row) {
  row.request.cancelled = true;
  return row;
}
Row Of(Row row, uint64_t client) {
  row.request.client.id = client;
  return row;
}

struct CutCase {
  std::string title;
  std::vector<Row> queue = {};
  std::vector<std::pair<size_t, size_t>> taken = {};  // request, units
  std::vector<size_t> expired = {};
  std::vector<size_t> cancelled = {};
};

class CutBatchTable : public ::testing::TestWithParam<CutCase> {
 protected:
  static BatchCut Cut(const std::vector<Row>& queue, const PassLimits& limits) {
    std::vector<WaitingRequest> waiting;
    for (const Row& row : queue) {
      WaitingRequest& request = waiting.emplace_back(row.request);
      const auto rows = std::accumulate(row.unit_rows.begin(), row.unit_rows.end(), int64_t{0});
      request.ms = row.row_ms * static_cast<double>(rows);
      request.waiting_share = limits.ShareOf(rows, request.ms);
    }
    const auto units_of = [&](size_t i) {
      std::vector<WorkUnit> units;
      for (size_t u = 0; u < queue[i].unit_rows.size(); ++u) {
        WorkUnit& unit = units.emplace_back();
        unit.text = u;
        unit.tokens = queue[i].unit_rows[u];
        unit.row_ms = queue[i].row_ms;
        unit.items = {{.task = 0, .flight = queue[i].flights.empty() ? 0 : queue[i].flights[u]}};
      }
      return units;
    };
    return CutBatch(waiting, units_of, kNow, kRules, limits);
  }

  static std::vector<std::pair<size_t, size_t>> Taken(const BatchCut& cut) {
    std::vector<std::pair<size_t, size_t>> taken;
    for (const BatchCut::Take& take : cut.taken) taken.emplace_back(take.request, take.units);
    return taken;
  }
};

TEST_P(CutBatchTable, Holds) {
  const BatchCut cut = Cut(GetParam().queue, {.max_rows = 100, .max_ms = 50, .fixed_ms = 10});
  EXPECT_THAT(Taken(cut), ElementsAreArray(GetParam().taken));
  EXPECT_THAT(cut.expired, ElementsAreArray(GetParam().expired));
  EXPECT_THAT(cut.cancelled, ElementsAreArray(GetParam().cancelled));
}

INSTANTIATE_TEST_SUITE_P(
    Cases, CutBatchTable,
    ::testing::Values(
        CutCase{.title = "NothingWaits"},
        CutCase{.title = "AllFits", .queue = {{{40}}, {{20, 20}}}, .taken = {{0, 1}, {1, 2}}},
        CutCase{.title = "StopsAtTheFirstThatDoesNotFit",
                .queue = {{{45}}, {{45}}, {{20}}, {{1}}},
                .taken = {{0, 1}, {1, 1}}},
        CutCase{.title = "ARequestMayBeTakenInPart", .queue = {{{40, 40, 40}}}, .taken = {{0, 2}}},
        CutCase{.title = "ASmallOneGoesBeforeALargeOne",
                .queue = {{{40, 40, 40}}, {{10}}},
                .taken = {{1, 1}, {0, 2}}},
        CutCase{.title = "LargeOnesTakeTurns",
                .queue = {{{20, 20, 20, 20, 20, 20}}, {{20, 20, 20, 20, 20, 20}}},
                .taken = {{0, 3}, {1, 2}}},
        CutCase{.title = "ClientsTakeTurns",
                .queue = {Of({{30}}, 1), Of({{30}}, 1), Of({{30}}, 1), Of({{30}}, 2)},
                .taken = {{0, 1}, {3, 1}, {1, 1}}},
        CutCase{.title = "TheFirstIsTakenWhateverItsSize", .queue = {{{500}}}, .taken = {{0, 1}}},
        // 40 ms are left for rows.
        CutCase{.title = "StopsAtThePredictedTime",
                .queue = {{.unit_rows = {10}, .row_ms = 2},
                          {.unit_rows = {10}, .row_ms = 2},
                          {.unit_rows = {1}, .row_ms = 0.1}},
                .taken = {{0, 1}, {1, 1}}},
        CutCase{.title = "TheFirstIsTakenWhateverItsTime",
                .queue = {{.unit_rows = {10, 10}, .row_ms = 9}},
                .taken = {{0, 1}}},
        CutCase{.title = "WhatAnotherHoldsTakesNoRoom",
                .queue = {{.unit_rows = {50, 40}, .flights = {1, 2}},
                          {.unit_rows = {50, 40}, .flights = {1, 2}},
                          {.unit_rows = {10}, .flights = {3}}},
                .taken = {{2, 1}, {0, 2}, {1, 2}}},
        CutCase{.title = "WhatHasNoFlightYetTakesItsOwnRoom",
                .queue = {{{50}}, {{50}}, {{50}}},
                .taken = {{0, 1}, {1, 1}}},
        CutCase{.title = "ANearDeadlineIsServedWholeAndFirst",
                .queue = {{{20, 20}}, Expires({{30, 30, 30}}, In(100))},
                .taken = {{1, 3}}},
        CutCase{.title = "ExpiredAreNotTaken",
                .queue = {Expires({{60}}, kNow), Expires({{60}}, kNow + absl::Nanoseconds(1))},
                .taken = {{1, 1}},
                .expired = {0}},
        CutCase{.title = "CancelledAreNotTaken",
                .queue = {Cancelled({{60}}), {{60}}},
                .taken = {{1, 1}},
                .cancelled = {0}},
        CutCase{.title = "ExpiredGoesBeforeCancelled",
                .queue = {Cancelled(Expires({{60}}, absl::InfinitePast()))},
                .expired = {0}},
        CutCase{.title = "DropsAlsoBehindAFullPass",
                .queue = {{{100}}, {{60}}, Expires({{1}}, kNow), Cancelled({{1}})},
                .taken = {{0, 1}},
                .expired = {2},
                .cancelled = {3}}),
    [](const auto& instance) { return instance.param.title; });

class CutBatchTest : public CutBatchTable {};

TEST_F(CutBatchTest, PredictsThePassAndEachPartOfIt) {
  const BatchCut cut = Cut({{.unit_rows = {10}, .row_ms = 1}, {.unit_rows = {5, 5}, .row_ms = 2}},
                           {.max_rows = 100, .max_ms = 50, .fixed_ms = 10});
  ASSERT_THAT(Taken(cut), ElementsAre(Pair(0, 1), Pair(1, 2)));
  EXPECT_EQ(cut.rows, 20);
  EXPECT_DOUBLE_EQ(cut.ms, 10 + 10 + 20);
  EXPECT_DOUBLE_EQ(cut.taken[0].ms, 10);
  EXPECT_DOUBLE_EQ(cut.taken[1].ms, 20);
  EXPECT_DOUBLE_EQ(cut.taken[1].share, 20.0 / 40);
}

TEST_F(CutBatchTest, WithoutALimitInTimeRowsAloneDecide) {
  const BatchCut cut = Cut({{.unit_rows = {50}, .row_ms = 99}, {.unit_rows = {50}, .row_ms = 99}},
                           {.max_rows = 100});
  EXPECT_THAT(Taken(cut), ElementsAre(Pair(0, 1), Pair(1, 1)));
}

TEST(PassLimits, AShareIsTheLargerOfBoth) {
  const PassLimits limits{.max_rows = 100, .max_ms = 50, .fixed_ms = 10};
  EXPECT_DOUBLE_EQ(limits.ShareOf(20, 4), 0.2);
  EXPECT_DOUBLE_EQ(limits.ShareOf(20, 30), 0.75);
  EXPECT_DOUBLE_EQ(limits.ShareOf(20, 0), 0.2);
  EXPECT_DOUBLE_EQ((PassLimits{.max_rows = 100}).ShareOf(20, 1e9), 0.2);
  EXPECT_DOUBLE_EQ((PassLimits{100, 5, 10}).ShareOf(20, 1), 1);
}

TEST(PassLimits, EveryPassHasItsFixedPart) {
  const PassLimits limits{.max_rows = 100, .max_ms = 50, .fixed_ms = 10};
  EXPECT_DOUBLE_EQ(limits.MsInPasses(0), 0);
  EXPECT_DOUBLE_EQ(limits.MsInPasses(30), 40);
  EXPECT_DOUBLE_EQ(limits.MsInPasses(90), 120);
  EXPECT_DOUBLE_EQ((PassLimits{.max_rows = 100, .fixed_ms = 10}).MsInPasses(90), 100);
}

WorkUnit Unit(size_t text, int64_t tokens, const std::vector<size_t>& tasks) {
  WorkUnit unit{.text = text, .tokens = tokens, .row_ms = 0.5};
  for (const size_t task : tasks) unit.items.push_back({.task = task, .flight = task + 100});
  return unit;
}

// 0, 1 … count - 1.
std::vector<size_t> Tasks(size_t count) {
  std::vector<size_t> tasks(count);
  std::iota(tasks.begin(), tasks.end(), size_t{0});
  return tasks;
}

std::vector<std::vector<size_t>> TasksOf(const std::vector<WorkUnit>& units) {
  std::vector<std::vector<size_t>> tasks;
  for (const WorkUnit& unit : units) {
    tasks.emplace_back();
    for (const WorkItem& item : unit.items) tasks.back().push_back(item.task);
  }
  return tasks;
}

TEST(SplitText, KeepsATextThatFitsWhole) {
  const std::vector<WorkUnit> units = SplitText(Unit(3, 25, Tasks(4)), 100);
  ASSERT_THAT(TasksOf(units), ElementsAre(Tasks(4)));
  EXPECT_EQ(units[0].text, 3);
  EXPECT_EQ(units[0].rows(), 100);
  EXPECT_EQ(units[0].items[3].flight, 103);
  EXPECT_EQ(units[0].row_ms, 0.5);
}

TEST(SplitText, CutsAtTasks) {
  const std::vector<WorkUnit> units = SplitText(Unit(0, 30, Tasks(8)), 100);
  ASSERT_THAT(TasksOf(units),
              ElementsAre(ElementsAre(0, 1, 2), ElementsAre(3, 4, 5), ElementsAre(6, 7)));
  EXPECT_EQ(units[2].rows(), 60);
}

TEST(SplitText, TakesOnlyTheTasksGiven) {
  EXPECT_THAT(TasksOf(SplitText(Unit(0, 50, {1, 4, 7}), 100)),
              ElementsAre(ElementsAre(1, 4), ElementsAre(7)));
  EXPECT_THAT(SplitText(Unit(0, 50, {}), 100), ::testing::IsEmpty());
}

TEST(SplitText, NeverCutsATask) {
  EXPECT_THAT(TasksOf(SplitText(Unit(0, 300, Tasks(2)), 100)),
              ElementsAre(ElementsAre(0), ElementsAre(1)));
}

}  // namespace
}  // namespace fathom
