// Equal (text, task, n) of several requests at the same time.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "tests/server/schedule/scheduler_fixture.h"

namespace fathom {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;
using ::testing::SizeIs;

class DeduplicationTest : public SchedulerTest {
 protected:
  // All (text, task) items of the pass.
  size_t ItemsOf(size_t pass) const {
    const std::vector<SeenPass> passes = engine_.passes();
    size_t items = 0;
    for (const SeenPass::Text& text : passes[pass].texts) items += text.tasks.size();
    return items;
  }

  int64_t Deduplicated() {
    scheduler_->Drain();
    int64_t items = 0;
    for (const PassReport& pass : observer_.passes()) items += pass.deduplicated_items;
    return items;
  }
};

TEST_F(DeduplicationTest, WhatWaitsTwiceIsComputedOnce) {
  Start();
  auto running = Occupy();
  const ScheduledRequest request = Request(2);
  auto first = Submit(request);
  auto second = Submit(request);
  engine_.Release();
  const Answer one = first.get();
  const Answer other = second.get();
  ASSERT_TRUE(one.ok() && other.ok());
  EXPECT_EQ(ItemsOf(1), 2U);
  ASSERT_THAT(other->outputs, SizeIs(2));
  for (size_t text = 0; text < 2; ++text) {
    EXPECT_THAT(other->outputs[text][0].logits, SizeIs(2));
    EXPECT_EQ(one->outputs[text][0].logits, other->outputs[text][0].logits);
  }
  EXPECT_EQ(other->passes, 1);
  EXPECT_GT(other->compute, absl::ZeroDuration());
  // The work is counted once.
  EXPECT_GT(one->work.row_layers_run, 0);
  EXPECT_EQ(other->work.row_layers_run, 0);
  EXPECT_EQ(Deduplicated(), 2);
}

TEST_F(DeduplicationTest, WhatRunsIsNotRunAgain) {
  Start();
  engine_.Hold();
  const ScheduledRequest request = Request();
  auto first = Submit(request);
  engine_.AwaitRuns(1);
  auto second = Submit(request);
  EXPECT_EQ(scheduler_->queue_length().requests, 0);
  engine_.Release();
  EXPECT_EQ(first.get()->outputs[0][0].logits, second.get()->outputs[0][0].logits);
  EXPECT_EQ(Deduplicated(), 1);
  EXPECT_THAT(engine_.passes(), SizeIs(1));
}

TEST_F(DeduplicationTest, WhatIsAnsweredIsComputedAnew) {
  Start();
  const ScheduledRequest request = Request();
  ASSERT_TRUE(Submit(request).get().ok());
  ASSERT_TRUE(Submit(request).get().ok());
  EXPECT_THAT(engine_.passes(), SizeIs(2));
  EXPECT_EQ(Deduplicated(), 0);
}

TEST_F(DeduplicationTest, OnlyWhatIsEqualIsShared) {
  Start();
  auto running = Occupy();
  ScheduledRequest request = Request(1, 4, 2);  // n = 0, 1
  auto first = Submit(request);
  request.texts[0].tasks[0].skip_layers = 2;  // n = 2, 1
  auto second = Submit(request);
  request.texts[0].text.segment_ids.back() = 1;  // another text
  auto third = Submit(request);
  engine_.Release();
  ASSERT_TRUE(first.get().ok() && second.get().ok() && third.get().ok());
  const std::vector<SeenPass::Text> texts = engine_.passes()[1].texts;
  ASSERT_THAT(texts, SizeIs(3));
  EXPECT_THAT(texts[0].tasks, ElementsAre(Pair("mood", 0), Pair("mood", 1)));
  EXPECT_THAT(texts[1].tasks, ElementsAre(Pair("mood", 2)));
  EXPECT_THAT(texts[2].tasks, ElementsAre(Pair("mood", 2), Pair("mood", 1)));
  EXPECT_EQ(Deduplicated(), 1);
}

TEST_F(DeduplicationTest, ARequestMayAskForTheSameTwice) {
  Start();
  ScheduledRequest request = Request();
  request.texts[0].tasks.push_back(request.texts[0].tasks[0]);
  request.texts.push_back(request.texts[0]);
  const Answer answer = Submit(request).get();
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(ItemsOf(0), 1U);
  for (const auto& text : answer->outputs) {
    for (const TaskOutput& output : text) {
      EXPECT_EQ(output.logits, answer->outputs[0][0].logits);
      EXPECT_THAT(output.logits, SizeIs(2));
    }
  }
  EXPECT_EQ(Deduplicated(), 3);
}

TEST_F(DeduplicationTest, TheOthersKeepWhatACancelledRequestWanted) {
  Start();
  auto running = Occupy();
  ScheduledRequest request = Request(2);
  auto flag = std::make_shared<std::atomic<bool>>(false);
  request.cancelled = flag;
  auto cancelled = Submit(request);
  request.cancelled = nullptr;
  request.texts.pop_back();
  auto stays = Submit(request);
  flag->store(true);
  engine_.Release();
  EXPECT_EQ(cancelled.get().status().code(), absl::StatusCode::kCancelled);
  const Answer answer = stays.get();
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_GT(answer->work.row_layers_run, 0);
  EXPECT_EQ(ItemsOf(1), 1U);  // and not what only the cancelled one wanted
  EXPECT_EQ(Deduplicated(), 0);
}

TEST_F(DeduplicationTest, DropCancelledLeavesTheOthersTheirItems) {
  Start();
  auto running = Occupy();
  ScheduledRequest request = Request();
  auto flag = std::make_shared<std::atomic<bool>>(false);
  request.cancelled = flag;
  auto cancelled = Submit(request);
  request.cancelled = nullptr;
  auto stays = Submit(request);
  flag->store(true);
  scheduler_->DropCancelled();
  EXPECT_EQ(cancelled.get().status().code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(scheduler_->queue_length().requests, 1);
  engine_.Release();
  EXPECT_TRUE(stays.get().ok());
}

TEST_F(DeduplicationTest, AFailedPassFailsAllWhoWaitForIt) {
  Start();
  engine_.Hold();
  const ScheduledRequest request = Request();
  auto first = Submit(request);
  engine_.AwaitRuns(1);
  auto second = Submit(request);
  engine_.FailNextRun(absl::InternalError("no memory"));
  engine_.Release();
  EXPECT_EQ(first.get().status().message(), "no memory");
  EXPECT_EQ(second.get().status().message(), "no memory");
  EXPECT_TRUE(Submit(request).get().ok());
}

TEST_F(DeduplicationTest, ManyThreadsThatAskForTheSameAreAllAnswered) {
  Start({.max_batch_rows = 16});
  std::vector<ScheduledRequest> pool;
  for (int i = 0; i < 3; ++i) pool.push_back(Request(2, 4, 2));
  std::vector<std::thread> threads;
  std::atomic<int> answered = 0;
  for (size_t t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (size_t i = 0; i < 50; ++i) {
        const Answer answer = Submit(pool[(t + i) % pool.size()]).get();
        if (answer.ok() && answer->outputs[1][1].logits.size() == 2) ++answered;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(answered, 200);
}

}  // namespace
}  // namespace fathom
