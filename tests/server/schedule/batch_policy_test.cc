#include "server/schedule/batch_policy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>
#include <string>

namespace fathom {
namespace {

using ::testing::ElementsAre;
using ::testing::ElementsAreArray;

const absl::Time kNow = absl::FromUnixSeconds(1000);

struct Row {
  std::vector<int64_t> unit_rows;
  absl::Time deadline = absl::InfiniteFuture();
  bool cancelled = false;
};

struct CutCase {
  std::string title;
  std::vector<Row> queue = {};
  std::vector<BatchCut::Take> taken = {};
  std::vector<size_t> expired = {};
  std::vector<size_t> cancelled = {};
};

class CutBatchTable : public ::testing::TestWithParam<CutCase> {};

TEST_P(CutBatchTable, Holds) {
  std::vector<std::vector<WorkUnit>> units;
  std::vector<WaitingRequest> waiting;
  for (const Row& row : GetParam().queue) {
    std::vector<WorkUnit>& own = units.emplace_back();
    for (const int64_t rows : row.unit_rows) own.push_back({.tasks = {0}, .rows = rows});
  }
  for (size_t i = 0; i < units.size(); ++i) {
    waiting.push_back({.units = units[i],
                       .deadline = GetParam().queue[i].deadline,
                       .cancelled = GetParam().queue[i].cancelled});
  }
  const BatchCut cut = CutBatch(waiting, kNow, 100);
  EXPECT_THAT(cut.taken, ElementsAreArray(GetParam().taken));
  EXPECT_THAT(cut.expired, ElementsAreArray(GetParam().expired));
  EXPECT_THAT(cut.cancelled, ElementsAreArray(GetParam().cancelled));
}

INSTANTIATE_TEST_SUITE_P(
    Cases, CutBatchTable,
    ::testing::Values(
        CutCase{.title = "NothingWaits"},
        CutCase{.title = "AllFits", .queue = {{{40}}, {{30, 30}}}, .taken = {{0, 1}, {1, 2}}},
        CutCase{.title = "StopsAtTheFirstThatDoesNotFit",
                .queue = {{{60}}, {{50}}, {{10}}},
                .taken = {{0, 1}}},
        CutCase{.title = "ARequestMayBeTakenInPart",
                .queue = {{{40, 40, 40}}, {{10}}},
                .taken = {{0, 2}}},
        CutCase{.title = "TheFirstIsTakenWhateverItsSize",
                .queue = {{{500}}, {{1}}},
                .taken = {{0, 1}}},
        CutCase{.title = "ExpiredAreNotTaken",
                .queue = {{{60}, kNow}, {{60}, kNow + absl::Nanoseconds(1)}},
                .taken = {{1, 1}},
                .expired = {0}},
        CutCase{.title = "CancelledAreNotTaken",
                .queue = {{{60}, absl::InfiniteFuture(), true}, {{60}}},
                .taken = {{1, 1}},
                .cancelled = {0}},
        CutCase{.title = "ExpiredGoesBeforeCancelled",
                .queue = {{{60}, absl::InfinitePast(), true}},
                .expired = {0}},
        CutCase{.title = "DropsAlsoBehindAFullPass",
                .queue = {{{100}}, {{60}}, {{1}, kNow}, {{1}, absl::InfiniteFuture(), true}},
                .taken = {{0, 1}},
                .expired = {2},
                .cancelled = {3}}),
    [](const auto& instance) { return instance.param.title; });

// 0, 1 … count - 1.
std::vector<size_t> Tasks(size_t count) {
  std::vector<size_t> tasks(count);
  std::iota(tasks.begin(), tasks.end(), size_t{0});
  return tasks;
}

std::vector<size_t> TaskCounts(const std::vector<WorkUnit>& units) {
  std::vector<size_t> counts;
  for (const WorkUnit& unit : units) counts.push_back(unit.tasks.size());
  return counts;
}

TEST(SplitText, KeepsATextThatFitsWhole) {
  const std::vector<WorkUnit> units = SplitText(3, 25, Tasks(4), 100);
  ASSERT_THAT(TaskCounts(units), ElementsAre(4));
  EXPECT_EQ(units[0].text, 3);
  EXPECT_EQ(units[0].rows, 100);
}

TEST(SplitText, CutsAtTasks) {
  const std::vector<WorkUnit> units = SplitText(0, 30, Tasks(8), 100);
  ASSERT_THAT(TaskCounts(units), ElementsAre(3, 3, 2));
  EXPECT_THAT(units[1].tasks, ElementsAre(3, 4, 5));
  EXPECT_THAT(units[2].tasks, ElementsAre(6, 7));
  EXPECT_EQ(units[2].rows, 60);
}

TEST(SplitText, TakesOnlyTheTasksGiven) {
  const std::vector<WorkUnit> units = SplitText(0, 50, {1, 4, 7}, 100);
  ASSERT_THAT(TaskCounts(units), ElementsAre(2, 1));
  EXPECT_THAT(units[0].tasks, ElementsAre(1, 4));
  EXPECT_THAT(units[1].tasks, ElementsAre(7));
  EXPECT_THAT(SplitText(0, 50, {}, 100), ::testing::IsEmpty());
}

TEST(SplitText, NeverCutsATask) {
  EXPECT_THAT(TaskCounts(SplitText(0, 300, Tasks(2), 100)), ElementsAre(1, 1));
}

}  // namespace
}  // namespace fathom
