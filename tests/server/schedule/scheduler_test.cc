#include "server/schedule/scheduler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <thread>

#include "tests/server/schedule/scheduler_fixture.h"

namespace fathom {
namespace {

using ::testing::ElementsAre;
using ::testing::Gt;
using ::testing::HasSubstr;
using ::testing::SizeIs;

TEST_F(SchedulerTest, AnswersWithOutputsWorkAndTimes) {
  Start();
  const Answer answer = Submit(Request(2, 4, 3)).get();
  ASSERT_TRUE(answer.ok()) << answer.status();
  ASSERT_THAT(answer->outputs, SizeIs(2));
  ASSERT_THAT(answer->outputs[0], SizeIs(3));
  EXPECT_THAT(answer->outputs[0][0].logits, SizeIs(2));
  EXPECT_DOUBLE_EQ(answer->work.row_layers_run, 2 * 4 * (2 + 12 + 11 + 10));
  EXPECT_GT(answer->compute, absl::ZeroDuration());
  EXPECT_GE(answer->queue, absl::ZeroDuration());
  EXPECT_EQ(answer->passes, 1);
  EXPECT_EQ(answer->largest_pass_texts, 2);
}

TEST_F(SchedulerTest, PutsWhatWaitsIntoOnePass) {
  Start();
  auto first = Occupy();
  auto second = Submit(Request(2));
  auto third = Submit(Request(3));
  engine_.Release();
  ASSERT_TRUE(first.get().ok());
  ASSERT_TRUE(second.get().ok());
  EXPECT_EQ(third.get()->largest_pass_texts, 5);
  scheduler_->Drain();
  ASSERT_THAT(engine_.passes(), SizeIs(2));
  EXPECT_THAT(engine_.passes()[1].texts, SizeIs(5));
  ASSERT_THAT(observer_.passes(), SizeIs(2));
  EXPECT_EQ(observer_.passes()[1].texts, 5);
  EXPECT_EQ(observer_.last_queue().requests, 0);
}

TEST_F(SchedulerTest, SplitsALargeRequestAndPutsTheAnswersBackInOrder) {
  Start({.max_batch_rows = 16});
  // Two texts of 8 tokens with 5 tasks: units of 2, 2, 1 tasks a text; a pass holds 2 tasks.
  const ScheduledRequest request = Request(2, 8, 5);
  const Answer answer = Submit(request).get();
  ASSERT_TRUE(answer.ok()) << answer.status();
  Start();
  const Answer whole = Submit(request).get();
  ASSERT_TRUE(whole.ok());
  EXPECT_THAT(answer->passes, Gt(2));
  for (size_t text = 0; text < 2; ++text) {
    for (size_t task = 0; task < 5; ++task) {
      EXPECT_EQ(answer->outputs[text][task].logits, whole->outputs[text][task].logits);
    }
  }
  EXPECT_DOUBLE_EQ(answer->work.row_layers_skipped, whole->work.row_layers_skipped);
  EXPECT_GT(answer->work.row_layers_run, whole->work.row_layers_run);  // each part has a trunk
}

TEST_F(SchedulerTest, RefusesMoreRequestsThanTheLimit) {
  Start({.max_queue_requests = 1});
  auto running = Occupy();
  auto waiting = Submit(Request());
  const absl::Status refused = Submit(Request()).get().status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(refused.message(), HasSubstr("limit is 1"));
  engine_.Release();
  EXPECT_TRUE(running.get().ok());
  EXPECT_TRUE(waiting.get().ok());
}

TEST_F(SchedulerTest, RefusesMoreRowsThanTheLimit) {
  Start({.max_queue_rows = 20, .max_batch_rows = 16});
  auto running = Occupy();
  auto waiting = Submit(Request(2, 4, 2));
  EXPECT_EQ(scheduler_->queue_length().rows, 16);
  const absl::Status refused = Submit(Request(1, 5)).get().status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(refused.message(), HasSubstr("limit is 20"));
  // What could never be accepted is the client's mistake, not a busy server's.
  EXPECT_EQ(Submit(Request(3, 7)).get().status().code(), absl::StatusCode::kInvalidArgument);
  engine_.Release();
  EXPECT_TRUE(running.get().ok());
  EXPECT_TRUE(waiting.get().ok());
}

TEST_F(SchedulerTest, DropsWhatIsCancelledWhileItWaits) {
  Start();
  auto running = Occupy();
  auto flag = std::make_shared<std::atomic<bool>>(false);
  ScheduledRequest request = Request();
  request.cancelled = flag;
  auto waiting = Submit(std::move(request));
  flag->store(true);
  engine_.Release();
  EXPECT_TRUE(running.get().ok());
  EXPECT_EQ(waiting.get().status().code(), absl::StatusCode::kCancelled);
  EXPECT_THAT(engine_.passes(), SizeIs(1));
}

TEST_F(SchedulerTest, DropCancelledFreesTheQueueWhileAPassRuns) {
  Start({.max_batch_rows = 16});
  engine_.Hold();
  auto flag = std::make_shared<std::atomic<bool>>(false);
  ScheduledRequest half_run = Request(2, 16);
  half_run.cancelled = flag;
  auto running = Submit(std::move(half_run));
  engine_.AwaitRuns(1);
  ScheduledRequest whole = Request(1, 16);
  whole.cancelled = flag;
  auto waiting = Submit(std::move(whole));
  flag->store(true);
  scheduler_->DropCancelled();
  EXPECT_EQ(waiting.get().status().code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(scheduler_->queue_length().requests, 1);
  engine_.Release();
  EXPECT_EQ(running.get().status().code(), absl::StatusCode::kCancelled);
}

TEST_F(SchedulerTest, SaysWhyItRefuses) {
  Start({.max_queue_requests = 1});
  auto running = Occupy();
  auto waiting = Submit(Request());
  EXPECT_FALSE(Submit(Request()).get().ok());
  EXPECT_FALSE(Submit({}).get().ok());
  EXPECT_THAT(observer_.rejections(), ElementsAre(Rejection::kQueueRequests, Rejection::kInvalid));
  engine_.Release();
  EXPECT_TRUE(waiting.get().ok());
}

TEST_F(SchedulerTest, RefusesWhatIsTooLateAlready) {
  Start();
  ScheduledRequest late = Request();
  late.deadline = absl::InfinitePast();
  EXPECT_EQ(Submit(std::move(late)).get().status().code(), absl::StatusCode::kDeadlineExceeded);
  ScheduledRequest cancelled = Request();
  cancelled.cancelled = std::make_shared<std::atomic<bool>>(true);
  EXPECT_EQ(Submit(std::move(cancelled)).get().status().code(), absl::StatusCode::kCancelled);
  EXPECT_THAT(engine_.passes(), SizeIs(0));
}

TEST_F(SchedulerTest, GivesAFailedPassToEveryCallerAndGoesOn) {
  Start();
  auto running = Occupy();
  auto second = Submit(Request());
  auto third = Submit(Request());
  engine_.FailNextRun(absl::InternalError("no memory"));
  engine_.Release();
  EXPECT_EQ(running.get().status().message(), "no memory");
  EXPECT_TRUE(second.get().ok());
  EXPECT_TRUE(third.get().ok());

  engine_.FailNextRun(absl::InternalError("no memory"));
  EXPECT_EQ(Submit(Request(2)).get().status().code(), absl::StatusCode::kInternal);
  EXPECT_TRUE(Submit(Request()).get().ok());
}

TEST_F(SchedulerTest, DropsTheRestOfARequestWhosePassFailed) {
  Start({.max_batch_rows = 16});
  engine_.FailNextRun(absl::InternalError("no memory"));
  EXPECT_EQ(Submit(Request(4, 16)).get().status().code(), absl::StatusCode::kInternal);
  scheduler_->Drain();
  EXPECT_THAT(engine_.passes(), SizeIs(1));
  EXPECT_EQ(scheduler_->queue_length().rows, 0);
}

TEST_F(SchedulerTest, TakesAWrongNumberOfAnswersAsAnInternalError) {
  Start();
  engine_.ShortenNextRun();
  const absl::Status status = Submit(Request(2)).get().status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInternal);
  EXPECT_THAT(status.message(), HasSubstr("answered 1 texts"));
}

TEST_F(SchedulerTest, DrainAnswersEverythingAcceptedAndRefusesTheRest) {
  Start({.max_queue_requests = 1 << 30, .max_queue_rows = 1 << 30, .max_batch_rows = 16});
  auto running = Occupy();
  std::vector<std::future<Answer>> waiting;
  for (int i = 0; i < 20; ++i) waiting.push_back(Submit(Request(1, 16)));
  std::thread drain([this] { scheduler_->Drain(); });
  // The pass is held, so an answer at once is a refusal: Drain has begun.
  std::future<Answer> refused = Submit(Request());
  while (refused.wait_for(std::chrono::seconds(0)) != std::future_status::ready) {
    waiting.push_back(std::move(refused));
    std::this_thread::yield();
    refused = Submit(Request());
  }
  EXPECT_EQ(refused.get().status().code(), absl::StatusCode::kUnavailable);
  engine_.Release();
  drain.join();
  EXPECT_TRUE(running.get().ok());
  for (std::future<Answer>& answer : waiting) {
    ASSERT_EQ(answer.wait_for(std::chrono::seconds(0)), std::future_status::ready);
    EXPECT_TRUE(answer.get().ok());
  }
}

TEST_F(SchedulerTest, AnswersEachOfManyThreadsItsOwn) {
  Start({.max_batch_rows = 64});
  std::vector<std::thread> threads;
  std::atomic<int> answered = 0;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([this, t, &answered] {
      for (int i = 0; i < 50; ++i) {
        const Answer answer = Submit(Request(1 + t, 4, 1 + i % 3)).get();
        if (answer.ok() && answer->outputs.size() == static_cast<size_t>(1 + t) &&
            answer->outputs.back().size() == static_cast<size_t>(1 + i % 3)) {
          ++answered;
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(answered, 200);
}

TEST_F(SchedulerTest, CreateNamesAnOptionThatCannotWork) {
  const auto small_pass = Scheduler::Create(&engine_, {.max_batch_rows = 15});
  EXPECT_THAT(small_pass.status().message(), HasSubstr("at least 16"));
  const auto small_queue = Scheduler::Create(&engine_, {.max_queue_rows = 10});
  EXPECT_THAT(small_queue.status().message(), HasSubstr("max_queue_rows is 10"));
  const auto no_time = Scheduler::Create(&engine_, {.max_pass_ms = -1});
  EXPECT_THAT(no_time.status().message(), HasSubstr("max_pass_ms is -1"));
  const auto no_ageing = Scheduler::Create(&engine_, {.ageing_ms = 0});
  EXPECT_THAT(no_ageing.status().message(), HasSubstr("ageing_ms is 0"));
  const auto no_queue = Scheduler::Create(&engine_, {.max_queue_requests = 0});
  EXPECT_THAT(no_queue.status().message(), HasSubstr("max_queue_requests is 0"));
}

}  // namespace
}  // namespace fathom
