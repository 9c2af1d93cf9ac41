// Several passes at once.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "tests/server/schedule/scheduler_fixture.h"

namespace fathom {
namespace {

using ::testing::AnyOf;
using ::testing::Each;
using ::testing::ElementsAre;

class WorkersTest : public SchedulerTest {
 protected:
  WorkersTest() : SchedulerTest({.passes = 2, .threads = 4}) {}

  std::vector<int> Threads() const {
    std::vector<int> threads;
    for (const SeenPass& pass : engine_.passes()) threads.push_back(pass.threads);
    return threads;
  }
  static bool Ready(const std::future<Answer>& answer) {
    return answer.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
  }
};

TEST_F(WorkersTest, ALonePassHasAllThreads) {
  Start();
  ASSERT_TRUE(Submit(Request()).get().ok());
  ASSERT_TRUE(Submit(Request()).get().ok());
  EXPECT_THAT(Threads(), ElementsAre(4, 4));
}

TEST_F(WorkersTest, PassesThatWaitForEachOtherShareTheThreadsAndRunAtOnce) {
  Start({.max_batch_rows = 16});
  auto lone = Occupy();
  auto first = Submit(Request(1, 16));
  auto second = Submit(Request(1, 16));
  auto third = Submit(Request(1, 16));
  engine_.ReleaseRun(0);
  engine_.AwaitRuns(3);
  EXPECT_THAT(Threads(), ElementsAre(4, 2, 2));
  ASSERT_TRUE(lone.get().ok());
  EXPECT_EQ(scheduler_->queue_length().requests, 1);

  // The later one may end first; then the third takes its place.
  engine_.ReleaseRun(2);
  engine_.AwaitRuns(4);
  EXPECT_NE(Ready(first), Ready(second));
  EXPECT_EQ(Threads().back(), 2);
  engine_.Release();
  EXPECT_TRUE(first.get().ok() && second.get().ok() && third.get().ok());
}

TEST_F(WorkersTest, APassInTwoHalvesIsAnsweredWhenBothAreDone) {
  Start({.max_batch_rows = 16});
  auto lone = Occupy();
  auto halves = Submit(Request(2, 16));
  engine_.ReleaseRun(0);
  engine_.AwaitRuns(3);
  EXPECT_THAT(Threads(), ElementsAre(4, 2, 2));
  engine_.ReleaseRun(1);
  EXPECT_FALSE(Ready(halves));
  engine_.Release();
  const Answer answer = halves.get();
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(answer->passes, 2);
}

TEST_F(WorkersTest, ARequestThatGoesLeavesItsPassRunning) {
  Start({.max_batch_rows = 16});
  auto lone = Occupy();
  // Three parts: two run, one waits. Cancelled, it is answered when the next pass is formed, while
  // the other part of it still runs.
  ScheduledRequest request = Request(3, 16);
  auto flag = std::make_shared<std::atomic<bool>>(false);
  request.cancelled = flag;
  auto cancelled = Submit(request);
  request.cancelled = nullptr;
  request.texts.resize(1);
  engine_.ReleaseRun(0);
  engine_.AwaitRuns(3);
  auto shares = Submit(request);  // what runs
  flag->store(true);
  engine_.ReleaseRun(engine_.passes()[1].texts[0].ids == request.texts[0].text.ids ? 2 : 1);
  EXPECT_EQ(cancelled.get().status().code(), absl::StatusCode::kCancelled);
  EXPECT_FALSE(Ready(shares));
  engine_.Release();
  EXPECT_TRUE(shares.get().ok());
  scheduler_->Drain();
  EXPECT_EQ(engine_.passes().size(), 3U);
}

TEST_F(WorkersTest, AFailedPassFailsWhatElseRunsOfItsRequests) {
  Start({.max_batch_rows = 16});
  auto lone = Occupy();
  auto halves = Submit(Request(2, 16));
  engine_.ReleaseRun(0);
  ASSERT_TRUE(lone.get().ok());
  engine_.AwaitRuns(3);
  engine_.FailNextRun(absl::InternalError("no memory"));
  engine_.ReleaseRun(1);
  EXPECT_EQ(halves.get().status().message(), "no memory");
  engine_.Release();
  EXPECT_TRUE(Submit(Request()).get().ok());
}

TEST_F(WorkersTest, ManyCallersAreAnsweredAndPassesNeverHaveMoreThreadsThanThereAre) {
  Start({.max_batch_rows = 16});
  std::vector<std::thread> threads;
  std::atomic<int> answered = 0;
  const ScheduledRequest common = Request(2, 5, 2);
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 50; ++i) {
        const bool shared = (t + i) % 3 == 0;
        const Answer answer = Submit(shared ? common : Request(1 + t, 5, 1 + i % 3)).get();
        if (answer.ok()) ++answered;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(answered, 200);
  EXPECT_THAT(Threads(), Each(AnyOf(2, 4)));
  EXPECT_LE(engine_.most_threads(), 4);
}

}  // namespace
}  // namespace fathom
