// Depths that are chosen when a call is cut, and shadows at n = 0.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "tests/server/schedule/scheduler_fixture.h"
#include "tests/server/schedule/turned_clock.h"

namespace fathom {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::SizeIs;

// Gives every open task one n, and remembers.
class FixedChooser : public DepthChooser {
 public:
  explicit FixedChooser(const ChosenDepth& depth) : depth_(depth) {}

  std::vector<std::vector<ChosenDepth>> Choose(absl::Span<const ScheduledText> texts,
                                               const CutMoment& moment) override {
    const std::lock_guard lock(mutex_);
    moments_.push_back(moment);
    std::vector<std::vector<ChosenDepth>> depths;
    for (const ScheduledText& text : texts) depths.emplace_back(text.tasks.size(), depth_);
    return depths;
  }
  void OnShadow(const ServableTask& task, int skip_layers, const TaskOutput& chosen,
                const TaskOutput& at_zero) override {
    const std::lock_guard lock(mutex_);
    shadows_.emplace_back(task.info().name, skip_layers);
    differ_ |= chosen.logits != at_zero.logits;
  }
  void OnQueueShare(double share, absl::Time /*now*/) override {
    const std::lock_guard lock(mutex_);
    highest_share_ = std::max(highest_share_, share);
    last_share_ = share;
  }

  std::vector<CutMoment> moments() const {
    const std::lock_guard lock(mutex_);
    return moments_;
  }
  std::vector<std::pair<std::string, int>> shadows() const {
    const std::lock_guard lock(mutex_);
    return shadows_;
  }
  bool differ() const {
    const std::lock_guard lock(mutex_);
    return differ_;
  }
  std::pair<double, double> shares() const {  // highest, last
    const std::lock_guard lock(mutex_);
    return {highest_share_, last_share_};
  }

 private:
  const ChosenDepth depth_;
  mutable std::mutex mutex_;
  std::vector<CutMoment> moments_;
  std::vector<std::pair<std::string, int>> shadows_;
  bool differ_ = false;
  double highest_share_ = 0;
  double last_share_ = 0;
};

class SchedulerDepthTest : public SchedulerTest {
 protected:
  ScheduledRequest Open(int texts = 1, size_t tokens = 4) {
    ScheduledRequest request = Request(texts, tokens);
    for (ScheduledText& text : request.texts) {
      text.tasks[0].depth.kind = DepthChoice::Kind::kTaskDefault;
    }
    return request;
  }

  // Of all texts of a pass.
  std::vector<std::pair<std::string, int>> TasksOf(size_t pass) const {
    std::vector<std::pair<std::string, int>> tasks;
    const std::vector<SeenPass> passes = engine_.passes();
    for (const SeenPass::Text& text : passes[pass].texts) {
      tasks.insert(tasks.end(), text.tasks.begin(), text.tasks.end());
    }
    return tasks;
  }

  FixedChooser chooser_{{.skip_layers = 7, .reason = DepthReason::kBrownout}};
  FixedChooser shadowing_{{.skip_layers = 7, .reason = DepthReason::kBrownout, .shadow = true}};
  TurnedClock clock_;
};

TEST_F(SchedulerDepthTest, IsChosenWhenTheFirstPartIsCut) {
  Start({}, &chooser_, &clock_);
  auto running = Occupy();
  ScheduledRequest request = Open();
  request.arrival = clock_.Wall() - absl::Milliseconds(5);
  auto waiting = Submit(std::move(request));
  clock_.Pass(absl::Milliseconds(20));
  EXPECT_THAT(chooser_.moments(), IsEmpty());  // the call that runs is exact
  engine_.Release();
  const Answer answer = waiting.get();
  ASSERT_TRUE(answer.ok());
  ASSERT_THAT(chooser_.moments(), SizeIs(1));
  EXPECT_EQ(chooser_.moments()[0].waited, absl::Milliseconds(25));
  EXPECT_DOUBLE_EQ(chooser_.moments()[0].queue_share, 1.0 / 1024);
  EXPECT_THAT(TasksOf(1), ElementsAre(Pair("mood", 7)));
  EXPECT_EQ(answer->depths[0][0].skip_layers, 7);
  EXPECT_EQ(answer->depths[0][0].reason, DepthReason::kBrownout);
  scheduler_->Drain();
  EXPECT_THAT(observer_.depths(), SizeIs(2));
}

TEST_F(SchedulerDepthTest, KnowsWhatElseItsAnswerWaitsFor) {
  engine_.SetCost(0, 1);
  Start({}, &chooser_, &clock_);
  auto running = Occupy();
  auto open = Submit(Open(1, 6));
  auto exact = Submit(Request(1, 10));
  clock_.Pass(absl::Milliseconds(1));
  engine_.Release();
  EXPECT_TRUE(open.get().ok() && exact.get().ok());
  ASSERT_THAT(chooser_.moments(), SizeIs(1));
  EXPECT_DOUBLE_EQ(chooser_.moments()[0].ahead_ms, 10);  // the first pass is done by then
}

TEST_F(SchedulerDepthTest, OnceACallHoweverManyPassesItTakes) {
  Start({.max_batch_rows = 16}, &chooser_);
  const Answer answer = Submit(Open(5, 16)).get();
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(answer->passes, 5);
  EXPECT_THAT(chooser_.moments(), SizeIs(1));
  for (size_t pass = 0; pass < 5; ++pass) {
    EXPECT_THAT(TasksOf(pass), ElementsAre(Pair("mood", 7)));
  }
}

TEST_F(SchedulerDepthTest, AnExactDepthIsNeverAltered) {
  Start({}, &chooser_);
  ScheduledRequest request = Request(1, 4, 4);
  request.texts[0].tasks[3].depth.kind = DepthChoice::Kind::kTaskDefault;
  const Answer answer = Submit(std::move(request)).get();
  ASSERT_TRUE(answer.ok());
  EXPECT_THAT(TasksOf(0),
              ElementsAre(Pair("mood", 0), Pair("mood", 1), Pair("mood", 2), Pair("mood", 7)));
  EXPECT_EQ(answer->depths[0][2].skip_layers, 2);
  EXPECT_EQ(answer->depths[0][2].reason, DepthReason::kExact);
}

TEST_F(SchedulerDepthTest, IsTheTasksDefaultWithoutAChooser) {
  Start();
  ScheduledRequest request = Open();
  request.texts[0].tasks[0].skip_layers = 9;  // means nothing
  const Answer answer = Submit(std::move(request)).get();
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(answer->depths[0][0].skip_layers, task_->info().default_skip_layers);
  EXPECT_EQ(answer->depths[0][0].reason, DepthReason::kTaskDefault);
}

TEST_F(SchedulerDepthTest, ACallThatIsCutJoinsWhatRunsAtItsDepth) {
  Start({}, &chooser_);
  engine_.Hold();
  ScheduledRequest exact = Request();
  exact.texts[0].tasks[0].skip_layers = 7;
  ScheduledRequest open = exact;
  open.texts[0].tasks[0].depth.kind = DepthChoice::Kind::kTaskDefault;
  auto first = Submit(exact);
  engine_.AwaitRuns(1);
  auto other = Submit(Request());
  auto second = Submit(open);
  engine_.Release();
  EXPECT_TRUE(first.get().ok() && other.get().ok());
  EXPECT_EQ(second.get()->depths[0][0].skip_layers, 7);
}

TEST_F(SchedulerDepthTest, AShadowRunsBesideTheChosenDepth) {
  Start({}, &shadowing_);
  const Answer answer = Submit(Open(2)).get();
  ASSERT_TRUE(answer.ok());
  ASSERT_THAT(answer->outputs, SizeIs(2));
  EXPECT_THAT(answer->outputs[0], SizeIs(1));
  scheduler_->Drain();
  EXPECT_THAT(TasksOf(0),
              ElementsAre(Pair("mood", 7), Pair("mood", 7), Pair("mood", 0), Pair("mood", 0)));
  EXPECT_THAT(shadowing_.shadows(), ElementsAre(Pair("mood", 7), Pair("mood", 7)));
  EXPECT_TRUE(shadowing_.differ());
  EXPECT_DOUBLE_EQ(answer->work.row_layers_skipped, 2 * 4 * 7);  // the shadow is not the call's
}

TEST_F(SchedulerDepthTest, AShadowThatDoesNotFitIsLeftOut) {
  Start({.max_batch_rows = 16}, &shadowing_);
  EXPECT_TRUE(Submit(Open(1, 16)).get().ok());
  scheduler_->Drain();
  EXPECT_THAT(TasksOf(0), ElementsAre(Pair("mood", 7)));
  EXPECT_THAT(shadowing_.shadows(), IsEmpty());
}

TEST_F(SchedulerDepthTest, AShadowOfAFailedTaskIsNotReported) {
  engine_.SetTaskStatus("mood", absl::InternalError("damaged"));
  Start({}, &shadowing_);
  EXPECT_TRUE(Submit(Open()).get().ok());
  scheduler_->Drain();
  EXPECT_THAT(shadowing_.shadows(), IsEmpty());
}

TEST_F(SchedulerDepthTest, TheQueuesShareIsTold) {
  Start({.max_queue_requests = 4}, &chooser_);
  auto running = Occupy();
  auto a = Submit(Request());
  auto b = Submit(Request());
  engine_.Release();
  EXPECT_TRUE(a.get().ok() && b.get().ok());
  scheduler_->Drain();
  EXPECT_EQ(chooser_.shares(), std::pair(0.5, 0.0));
}

TEST_F(SchedulerDepthTest, TheRawEncodersOutputsAreToldApart) {
  Start({}, &chooser_);
  ScheduledRequest request = Request();
  request.texts[0].tasks = {{.output = PassOutput::kClsState}, {.output = PassOutput::kMeanState}};
  const Answer answer = Submit(std::move(request)).get();
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_NE(answer->outputs[0][0].logits, answer->outputs[0][1].logits);
  EXPECT_THAT(TasksOf(0), ElementsAre(Pair("", 0), Pair("", 0)));
}

class BusySchedulerTest : public SchedulerTest {
 protected:
  BusySchedulerTest() : SchedulerTest({.passes = 2, .threads = 2}) {}
};

TEST_F(BusySchedulerTest, EachOfManyCallersWhoComeAndGoIsAnsweredOnce) {
  FixedChooser chooser({.skip_layers = 3, .reason = DepthReason::kLatencyBudget, .shadow = true});
  engine_.SetCost(1, 0.1);
  Start({.max_queue_requests = 16, .max_batch_rows = 24, .max_pass_ms = 3}, &chooser);
  const ScheduledRequest common = Request(2, 5, 2);
  std::atomic<int> answered = 0;
  std::atomic<int> refused = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 60; ++i) {
        ScheduledRequest request = i % 3 == 0 ? common : Request(1 + i % 4, 5, 2);
        if (i % 2 == 0) {
          request.texts[0].tasks[1].depth.kind = DepthChoice::Kind::kLatencyBudget;
        }
        if (i % 5 == 0) request.deadline = absl::Now() + absl::Microseconds(300 * i);
        request.priority = i % 10;
        request.client = std::to_string(t);
        const auto cancel = std::make_shared<std::atomic<bool>>(false);
        request.cancelled = cancel;
        auto answer = Submit(std::move(request));
        if (i % 7 == 0) {
          cancel->store(true);
          scheduler_->DropCancelled();
        }
        // A second answer would set the promise twice, which throws.
        (answer.get().ok() ? answered : refused) += 1;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  scheduler_->Drain();
  EXPECT_EQ(answered + refused, 240);
  EXPECT_GT(answered, 100);
  EXPECT_EQ(observer_.rejections().size(), static_cast<size_t>(refused.load()));
  EXPECT_EQ(scheduler_->queue_length().requests, 0);
  EXPECT_EQ(scheduler_->queue_length().rows, 0);
}

}  // namespace
}  // namespace fathom
