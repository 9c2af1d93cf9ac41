// Deadlines, predicted time, ageing and abandoned passes, on a clock that the test turns.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/schedule/refusal.h"
#include "tests/server/schedule/scheduler_fixture.h"
#include "tests/server/schedule/turned_clock.h"

namespace fathom {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using Code = absl::StatusCode;

class SchedulerTimeTest : public SchedulerTest {
 protected:
  // 1 ms a token of a (text, task); a pass takes 100 ms.
  void StartTimed(SchedulerOptions options = {}) {
    engine_.SetCost(0, 1);
    Start(options, nullptr, &clock_);
  }

  ScheduledRequest Until(absl::Duration left, ScheduledRequest request) const {
    request.deadline = clock_.Wall() + left;
    return request;
  }

  // The first ids of the texts of a pass.
  std::vector<int32_t> IdsOf(size_t pass) const {
    std::vector<int32_t> ids;
    const std::vector<SeenPass> passes = engine_.passes();
    for (const SeenPass::Text& text : passes[pass].texts) ids.push_back(text.ids[0]);
    return ids;
  }

  static int32_t IdOf(const ScheduledRequest& request) { return request.texts[0].text.ids[0]; }

  TurnedClock clock_;
};

TEST_F(SchedulerTimeTest, APassIsCutAtItsPredictedTime) {
  StartTimed({.max_queue_ms = 0});
  auto running = Occupy();
  std::vector<std::future<Answer>> answers;
  for (int i = 0; i < 10; ++i) answers.push_back(Submit(Request(1, 16, 2)));  // 30.7 ms each
  engine_.Release();
  for (std::future<Answer>& answer : answers) EXPECT_TRUE(answer.get().ok());
  scheduler_->Drain();
  ASSERT_THAT(engine_.passes(), SizeIs(5));
  EXPECT_THAT(IdsOf(1), SizeIs(3));
  EXPECT_THAT(IdsOf(4), SizeIs(1));
  EXPECT_LE(observer_.passes()[1].cut_ms, 100);
  EXPECT_GT(observer_.passes()[1].cut_ms, 60);
}

TEST_F(SchedulerTimeTest, ALoneCallGetsIntoTheNextPassOfACallThatIsSplit) {
  StartTimed({.max_queue_ms = 0});
  engine_.Hold();
  auto huge = Submit(Request(100, 16));  // 16 passes
  engine_.AwaitRuns(1);
  ScheduledRequest lone = Request();
  const int32_t id = IdOf(lone);
  auto answer = Submit(std::move(lone));
  engine_.ReleaseRun(0);
  engine_.AwaitRuns(2);
  EXPECT_EQ(IdsOf(1)[0], id);
  EXPECT_THAT(IdsOf(1), SizeIs(testing::Gt(1)));  // and the rest of the pass goes on with the other
  engine_.Release();
  EXPECT_TRUE(answer.get().ok());
  EXPECT_TRUE(huge.get().ok());
}

TEST_F(SchedulerTimeTest, PriorityThenDeadlineThenArrival) {
  StartTimed();
  auto running = Occupy();
  const ScheduledRequest first = Request();
  ScheduledRequest urgent = Until(absl::Milliseconds(250), Request());
  ScheduledRequest important = Request();
  important.priority = 3;
  const std::vector<int32_t> order = {IdOf(important), IdOf(urgent), IdOf(first)};
  auto a = Submit(first);
  auto b = Submit(urgent);
  auto c = Submit(important);
  clock_.Pass(absl::Milliseconds(100));  // now the deadline is near
  engine_.Release();
  EXPECT_TRUE(a.get().ok() && b.get().ok() && c.get().ok());
  EXPECT_EQ(IdsOf(1), order);
}

TEST_F(SchedulerTimeTest, ALowPriorityRisesWhileItWaits) {
  StartTimed({.max_queue_ms = 0, .max_batch_rows = 16});
  auto running = Occupy();
  const ScheduledRequest low = Request(1, 16);
  auto waits = Submit(low);
  clock_.Pass(absl::Milliseconds(500 * 10));
  ScheduledRequest high = Request(1, 16);
  high.priority = 9;
  auto comes = Submit(std::move(high));
  engine_.Release();
  EXPECT_TRUE(waits.get().ok() && comes.get().ok());
  EXPECT_THAT(IdsOf(1), ElementsAre(IdOf(low)));
}

TEST_F(SchedulerTimeTest, ClientsTakeTurns) {
  StartTimed({.max_queue_ms = 0, .max_batch_rows = 32});
  auto running = Occupy();
  std::vector<std::future<Answer>> answers;
  for (int i = 0; i < 6; ++i) {
    ScheduledRequest many = Request(1, 16);
    many.client = "many";
    answers.push_back(Submit(std::move(many)));
  }
  ScheduledRequest one = Request(1, 16);
  one.client = "one";
  const int32_t id = IdOf(one);
  answers.push_back(Submit(std::move(one)));
  engine_.Release();
  for (std::future<Answer>& answer : answers) EXPECT_TRUE(answer.get().ok());
  EXPECT_EQ(IdsOf(1)[1], id);
}

TEST_F(SchedulerTimeTest, RefusesAtOnceWhatCannotBeInTime) {
  StartTimed();
  auto running = Occupy();  // 4 ms
  const absl::Status late = Submit(Until(absl::Milliseconds(19), Request(1, 16))).get().status();
  EXPECT_EQ(late.code(), Code::kDeadlineExceeded);
  EXPECT_THAT(late.message(), HasSubstr("20.0 ms with its wait"));
  EXPECT_THAT(late.message(), HasSubstr("in 19.0 ms"));
  EXPECT_THAT(observer_.rejections(), ElementsAre(Rejection::kDeadlineTooNear));
  auto in_time = Submit(Until(absl::Milliseconds(20), Request(1, 16)));
  engine_.Release();
  EXPECT_TRUE(in_time.get().ok());
}

TEST_F(SchedulerTimeTest, RefusesAtOnceWhatWouldWaitTooLong) {
  StartTimed({.max_queue_ms = 40});
  auto running = Occupy();
  auto a = Submit(Request(1, 16));
  auto b = Submit(Request(1, 16));
  auto c = Submit(Request(1, 16));  // would wait 36 ms
  EXPECT_EQ(scheduler_->queue_length().ms, 48);
  const absl::Status refused = Submit(Request(1, 16)).get().status();
  EXPECT_EQ(refused.code(), Code::kResourceExhausted);
  EXPECT_THAT(refused.message(), HasSubstr("would wait 52 ms"));
  EXPECT_EQ(RetryDelayOf(refused), absl::Milliseconds(50));
  EXPECT_EQ(ReasonOf(refused), "QUEUE_FULL");
  EXPECT_THAT(observer_.rejections(), ElementsAre(Rejection::kQueueMs));
  ScheduledRequest important = Request(1, 16);
  important.priority = 1;  // nothing of what waits goes before it
  auto d = Submit(std::move(important));
  engine_.Release();
  EXPECT_TRUE(a.get().ok() && b.get().ok() && c.get().ok() && d.get().ok());
}

TEST_F(SchedulerTimeTest, ACallLargerThanTheQueuesTimeIsAcceptedAndDoesNotFillIt) {
  StartTimed({.max_queue_ms = 60});
  auto running = Occupy();
  auto huge = Submit(Request(100, 16));  // 1.6 s
  auto lone = Submit(Request());         // waits 4 ms and one turn
  EXPECT_THAT(observer_.rejections(), IsEmpty());
  engine_.Release();
  EXPECT_TRUE(huge.get().ok() && lone.get().ok());
}

TEST_F(SchedulerTimeTest, AWallClockThatJumpsChangesNothing) {
  StartTimed();
  auto running = Occupy();
  auto stays = Submit(Until(absl::Seconds(1), Request()));
  auto expires = Submit(Until(absl::Milliseconds(100), Request()));
  clock_.JumpWall(absl::Hours(24));
  scheduler_->DropCancelled();
  EXPECT_EQ(scheduler_->queue_length().requests, 2);
  clock_.JumpWall(-absl::Hours(48));
  clock_.Pass(absl::Milliseconds(100));
  scheduler_->DropCancelled();
  EXPECT_EQ(expires.get().status().code(), Code::kDeadlineExceeded);
  engine_.Release();
  const Answer answer = stays.get();
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(answer->queue + answer->compute, absl::Milliseconds(100));
  EXPECT_THAT(observer_.rejections(), ElementsAre(Rejection::kExpired));
}

TEST_F(SchedulerTimeTest, APassThatNobodyWaitsForIsEnded) {
  StartTimed();
  engine_.Hold();
  auto flag = std::make_shared<std::atomic<bool>>(false);
  ScheduledRequest request = Request();
  request.cancelled = flag;
  auto cancelled = Submit(std::move(request));
  engine_.AwaitRuns(1);
  flag->store(true);
  engine_.Release();
  EXPECT_EQ(cancelled.get().status().code(), Code::kCancelled);
  scheduler_->Drain();
  EXPECT_EQ(observer_.abandoned_passes(), 1);
  EXPECT_THAT(observer_.passes(), IsEmpty());
  EXPECT_THAT(observer_.rejections(), ElementsAre(Rejection::kCancelled));
}

TEST_F(SchedulerTimeTest, APassIsEndedOnlyWhenAllOfItHaveGone) {
  StartTimed();
  auto running = Occupy();
  auto flag = std::make_shared<std::atomic<bool>>(false);
  ScheduledRequest goes = Request();
  goes.cancelled = flag;
  auto cancelled = Submit(std::move(goes));
  auto expires = Submit(Until(absl::Milliseconds(50), Request()));
  auto stays = Submit(Request());
  engine_.ReleaseRun(0);
  engine_.AwaitRuns(2);
  flag->store(true);
  clock_.Pass(absl::Milliseconds(50));
  engine_.Release();
  EXPECT_TRUE(stays.get().ok());
  EXPECT_EQ(observer_.abandoned_passes(), 0);
  cancelled.wait();
  expires.wait();
}

}  // namespace
}  // namespace fathom
