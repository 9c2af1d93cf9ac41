#include "server/schedule/pass_threads.h"

#include <gtest/gtest.h>

#include <string>

namespace fathom {
namespace {

struct ThreadsCase {
  std::string title;
  Concurrency engine;
  int in_use = 0;
  bool more_waits = false;
  int threads = 0;
};

class ThreadsOfPassTable : public ::testing::TestWithParam<ThreadsCase> {};

TEST_P(ThreadsOfPassTable, Holds) {
  const ThreadsCase& row = GetParam();
  EXPECT_EQ(ThreadsOfPass(row.engine, row.in_use, row.more_waits), row.threads);
}

constexpr Concurrency kTwoOnFour = {.passes = 2, .threads = 4};

INSTANTIATE_TEST_SUITE_P(
    Cases, ThreadsOfPassTable,
    ::testing::Values(ThreadsCase{"AllWhereNothingElseWaits", kTwoOnFour, 0, false, 4},
                      ThreadsCase{"AShareWhereMoreWaits", kTwoOnFour, 0, true, 2},
                      ThreadsCase{"AShareBesideAPass", kTwoOnFour, 2, false, 2},
                      ThreadsCase{"AShareBesideAPassWhereMoreWaits", kTwoOnFour, 2, true, 2},
                      ThreadsCase{"NoneBesideAPassThatHasAll", kTwoOnFour, 4, false, 0},
                      ThreadsCase{"NoneBesideTwo", kTwoOnFour, 4, true, 0},
                      ThreadsCase{"AnOddThreadStaysFree", {.passes = 2, .threads = 5}, 2, true, 2},
                      ThreadsCase{"OnePassAtATimeHasAll", {.passes = 1, .threads = 8}, 0, true, 8},
                      ThreadsCase{"OneThreadIsNotShared", {.passes = 2, .threads = 1}, 1, true, 0},
                      ThreadsCase{"OneThreadAtLeast", {.passes = 2, .threads = 1}, 0, true, 1}),
    [](const auto& instance) { return instance.param.title; });

}  // namespace
}  // namespace fathom
