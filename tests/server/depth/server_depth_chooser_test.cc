#include "server/depth/server_depth_chooser.h"

#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/depth/call_forecast.h"
#include "tests/server/fake_engine.h"
#include "tests/server/schedule/turned_clock.h"

namespace fathom {
namespace {

using Kind = DepthChoice::Kind;
using ::testing::Each;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr int kLayers = 12;

// Predicts a millisecond for every layer that a text runs: the lowest n of its tasks is shared.
class PredictingEngine : public FakeEngine {
 public:
  using FakeEngine::FakeEngine;

  double PredictMs(absl::Span<const PassText> texts, int threads) const override {
    ++predictions;
    last_threads = threads;
    double ms = 0;
    size_t items = 0;
    for (const PassText& text : texts) {
      int shared = kLayers;
      for (const PassTask& task : text.tasks) {
        shared = std::min(shared, task.skip_layers);
        if (task.bypass_caches) ++bypassing;
      }
      ms += shared + static_cast<double>(text.tasks.size()) * (kLayers - shared);
      items += text.tasks.size();
    }
    most_items = std::max<size_t>(most_items, items);
    return ms;
  }

  mutable std::atomic<int> predictions = 0;
  mutable std::atomic<int> last_threads = 0;
  mutable std::atomic<int> bypassing = 0;  // tasks
  mutable std::atomic<size_t> most_items = 0;
};

// Score 0.9 at every n, agreement 0.98 where n > 0.
TaskInfo Task(const std::string& name) {
  TaskInfo task = ClassificationTask(name, {"no", "yes"});
  for (DepthPoint& point : task.profile->points) {
    point.score = 0.9;
    point.half_width = 0;
    point.agreement = point.skip_layers == 0 ? 1 : 0.98;
  }
  task.profile->samples = 1000;
  return task;
}

class ServerDepthChooserTest : public ::testing::Test {
 protected:
  std::shared_ptr<const ServableTask> Load(const std::string& name) {
    return std::make_shared<const ServableTask>(Task(name));
  }

  // Texts of four tokens, each with these tasks.
  static std::vector<ScheduledText> Texts(size_t count, const std::vector<ScheduledTask>& tasks) {
    return std::vector<ScheduledText>(
        count, {.text = {.ids = {1, 5, 6, 2}, .segment_ids = {0, 0, 0, 0}}, .tasks = tasks});
  }

  // One step at a time, to `steps`.
  void Brown(int steps) {
    for (int i = 0; i < steps; ++i) {
      clock_.Pass(absl::Seconds(1));
      chooser_.OnQueueShare(0.9, clock_.Steady());
    }
  }

  void AllowBrownout(const std::string& task) {
    ASSERT_TRUE(policies_.Change(Task(task), {.brownout = true}).ok());
  }

  // The chosen n disagreed with n = 0 so many times.
  void Disagree(const ServableTask& task, int n, int times) {
    for (int i = 0; i < times; ++i) {
      chooser_.OnShadow(task, n, {.logits = {0, 1}}, {.logits = {1, 0}});
    }
  }

  TurnedClock clock_;
  PredictingEngine engine_{Concurrency{.passes = 2, .threads = 4}};
  TaskDepthPolicies policies_;
  ServerDepthChooser chooser_{&engine_, &policies_, &clock_};
  const std::shared_ptr<const ServableTask> mood_ = Load("mood");
  const std::shared_ptr<const ServableTask> topic_ = Load("topic");
};

DepthChoice MinQuality(double share) { return {.kind = Kind::kMinQuality, .min_quality = share}; }
DepthChoice Budget(double ms) {
  return {.kind = Kind::kLatencyBudget, .latency_budget = absl::Milliseconds(ms)};
}

TEST_F(ServerDepthChooserTest, ExactComesBackWithoutAPrediction) {
  const auto chosen =
      chooser_.Choose(Texts(2, {{.task = mood_, .skip_layers = 7}, {.task = topic_}}), {});
  ASSERT_THAT(chosen, SizeIs(2));
  for (const auto& text : chosen) {
    ASSERT_THAT(text, SizeIs(2));
    EXPECT_EQ(text[0], (ChosenDepth{.skip_layers = 7, .reason = DepthReason::kExact}));
    EXPECT_EQ(text[1], (ChosenDepth{.skip_layers = 0, .reason = DepthReason::kExact}));
  }
  EXPECT_EQ(engine_.predictions, 0);
}

TEST_F(ServerDepthChooserTest, AllTextsOfACallGetTheSameOfATask) {
  const auto chosen = chooser_.Choose(Texts(3, {{.task = mood_, .depth = MinQuality(0.95)},
                                                {.task = topic_, .depth = MinQuality(0.95)},
                                                {.task = mood_, .depth = MinQuality(0.95)},
                                                {.task = mood_, .skip_layers = 3}}),
                                      {});
  for (const auto& text : chosen) {
    EXPECT_EQ(text[0].skip_layers, 3) << "above it the exact task shares no more";
    EXPECT_EQ(text[0], text[2]) << "a duplicate";
    EXPECT_EQ(text[1].reason, DepthReason::kMinQuality);
    EXPECT_EQ(text[3].skip_layers, 3);
    EXPECT_EQ(text[3].reason, DepthReason::kExact);
  }
  EXPECT_LE(engine_.predictions, kLayers + 1);
}

TEST_F(ServerDepthChooserTest, TextsMayHaveDifferentTasks) {
  std::vector<ScheduledText> texts = Texts(1, {{.task = mood_, .skip_layers = 1}});
  texts.push_back(Texts(1, {{.task = topic_, .skip_layers = 2}, {.task = mood_}})[0]);
  texts.push_back(Texts(1, {})[0]);
  const auto chosen = chooser_.Choose(texts, {});
  ASSERT_THAT(chosen, SizeIs(3));
  EXPECT_EQ(chosen[0][0].skip_layers, 1);
  EXPECT_EQ(chosen[1][0].skip_layers, 2);
  EXPECT_EQ(chosen[1][1].skip_layers, 0);
  EXPECT_THAT(chosen[2], IsEmpty());
}

TEST_F(ServerDepthChooserTest, ABudgetHoldsFromArrivalToAnswer) {
  const auto texts =
      Texts(1, {{.task = mood_, .depth = Budget(30)}, {.task = topic_, .depth = Budget(30)}});
  const auto at_once = chooser_.Choose(texts, {});
  EXPECT_EQ(at_once[0][0].skip_layers, 0);
  EXPECT_EQ(at_once[0][0].budget_met, true);
  EXPECT_DOUBLE_EQ(at_once[0][0].predicted_ms.value(), 24);
  const auto late = chooser_.Choose(texts, {.waited = absl::Milliseconds(6), .ahead_ms = 4});
  EXPECT_EQ(late[0][0].skip_layers, 4);
  EXPECT_EQ(late[0][1].budget_met, true);
  EXPECT_DOUBLE_EQ(late[0][1].predicted_ms.value(), 30);
  const auto too_late = chooser_.Choose(texts, {.waited = absl::Milliseconds(29)});
  EXPECT_EQ(too_late[0][0].budget_met, false);
}

TEST_F(ServerDepthChooserTest, BesideAnotherPassItCountsOnAShareOfTheThreads) {
  const auto texts = Texts(1, {{.task = mood_, .depth = Budget(30)}});
  chooser_.Choose(texts, {});
  EXPECT_EQ(engine_.last_threads, 4);
  chooser_.Choose(texts, {.ahead_ms = 1});
  EXPECT_EQ(engine_.last_threads, 2);
}

TEST_F(ServerDepthChooserTest, ACallThatBypassesTheCachesIsPredictedWithoutThem) {
  chooser_.Choose(Texts(1, {{.task = mood_, .depth = Budget(30)}}), {});
  EXPECT_EQ(engine_.bypassing, 0);
  chooser_.Choose(Texts(1, {{.task = mood_, .depth = Budget(30), .bypass_caches = true}}), {});
  EXPECT_GT(engine_.bypassing, 0);
}

TEST_F(ServerDepthChooserTest, ALargeCallIsPredictedFromASample) {
  const auto texts = Texts(
      250, {{.task = mood_, .depth = MinQuality(0.9)}, {.task = topic_, .depth = MinQuality(0.9)}});
  const auto chosen = chooser_.Choose(texts, {});
  EXPECT_EQ(chosen[249][1].skip_layers, 11);
  EXPECT_LE(engine_.most_items, CallForecast::kMostItems);
  EXPECT_NEAR(chosen[0][0].predicted_ms.value(), 250 * 13, 1e-6);
}

TEST_F(ServerDepthChooserTest, BrownoutRaisesOnlyTasksThatItMay) {
  AllowBrownout("mood");
  Brown(2);
  EXPECT_EQ(chooser_.report().brownout_steps, 2);
  const DepthChoice nothing;
  const auto both = chooser_.Choose(
      Texts(1, {{.task = mood_, .depth = nothing}, {.task = topic_, .depth = nothing}}), {});
  EXPECT_EQ(both[0][0].skip_layers, 0) << "topic stays at 0, so nothing is shared";
  EXPECT_EQ(both[0][1].reason, DepthReason::kTaskDefault);
  AllowBrownout("topic");
  const auto risen = chooser_.Choose(
      Texts(1, {{.task = mood_, .depth = nothing}, {.task = topic_, .depth = nothing}}), {});
  EXPECT_EQ(risen[0][0].skip_layers, 2);
  EXPECT_EQ(risen[0][1].reason, DepthReason::kBrownout);
  const auto lone = chooser_.Choose(Texts(5, {{.task = mood_, .depth = nothing}}), {});
  for (const auto& text : lone) EXPECT_EQ(text[0].skip_layers, 0);
  clock_.Pass(absl::Seconds(60));
  EXPECT_EQ(chooser_.report().brownout_steps, 2) << "the queue is as long as it was told last";
  chooser_.OnQueueShare(0, clock_.Steady());
  clock_.Pass(absl::Seconds(60));
  EXPECT_EQ(chooser_.report().brownout_steps, 0);
}

TEST_F(ServerDepthChooserTest, ComparesItsShareOfRisenAnswers) {
  const auto texts = Texts(100, {{.task = mood_, .depth = MinQuality(0.9)},
                                 {.task = topic_, .depth = MinQuality(0.9)},
                                 {.task = mood_, .skip_layers = 11}});
  int shadows = 0;
  for (int call = 0; call < 10; ++call) {
    for (const auto& text : chooser_.Choose(texts, {})) {
      shadows += text[0].shadow + text[1].shadow;
      EXPECT_FALSE(text[2].shadow) << "exact";
    }
  }
  EXPECT_NEAR(shadows, 2 * 10, 2);
}

TEST_F(ServerDepthChooserTest, ComparesNothingUnderLoadOrAtTheDefault) {
  ASSERT_TRUE(policies_.Change(Task("mood"), {.shadow_ratio = 1.0}).ok());
  const auto texts = Texts(4, {{.task = mood_, .depth = MinQuality(0.9)},
                               {.task = mood_, .depth = MinQuality(0.9)},
                               {.task = topic_, .depth = MinQuality(0.9)}});
  const auto any = [&](const CutMoment& moment) {
    bool shadow = false;
    for (const auto& text : chooser_.Choose(texts, moment)) shadow |= text[0].shadow;
    return shadow;
  };
  EXPECT_TRUE(any({.queue_share = 0.4}));
  EXPECT_FALSE(any({.queue_share = 0.6}));
  Brown(1);
  EXPECT_FALSE(any({.queue_share = 0.4}));

  auto states = texts;
  for (ScheduledText& text : states) text.tasks[0].output = PassOutput::kClsState;
  ServerDepthChooser calm(&engine_, &policies_);
  const auto lone = calm.Choose(Texts(4, {{.task = mood_, .depth = MinQuality(0.9)}}), {});
  for (const auto& text : lone) EXPECT_FALSE(text[0].shadow) << "n = 0";
  for (const auto& text : calm.Choose(states, {})) {
    EXPECT_FALSE(text[0].shadow) << "a state is no answer";
    EXPECT_TRUE(text[1].shadow);
  }
}

TEST_F(ServerDepthChooserTest, DriftHoldsTheTaskAtItsDefaultUntilReset) {
  const auto texts = Texts(
      100, {{.task = mood_, .depth = MinQuality(0.9)}, {.task = topic_, .depth = MinQuality(0.9)}});
  EXPECT_EQ(chooser_.Choose(texts, {})[0][0].skip_layers, 11);
  Disagree(*mood_, 11, 500);
  const auto held = chooser_.Choose(texts, {});
  EXPECT_EQ(held[0][0].skip_layers, 0);
  EXPECT_EQ(held[0][0].reason, DepthReason::kDriftGuard);
  EXPECT_EQ(held[0][1].reason, DepthReason::kMinQuality);
  const DepthReport report = chooser_.report();
  ASSERT_THAT(report.agreements, SizeIs(2));
  EXPECT_EQ(report.agreements[0].task, "mood");
  EXPECT_TRUE(report.agreements[0].tripped);
  EXPECT_EQ(report.agreements[0].depths.at(0), (DriftGuard::Agreement{11, 500, 0}));
  EXPECT_FALSE(report.agreements[1].tripped);
  chooser_.ResetGuard("mood");
  EXPECT_EQ(chooser_.Choose(texts, {})[0][0].skip_layers, 11);
}

TEST_F(ServerDepthChooserTest, ATaskLoadedAnewStartsAnew) {
  auto old = Load("mood");
  auto texts = Texts(
      100, {{.task = old, .depth = MinQuality(0.9)}, {.task = topic_, .depth = MinQuality(0.9)}});
  chooser_.Choose(texts, {});
  Disagree(*old, 11, 500);
  EXPECT_EQ(chooser_.Choose(texts, {})[0][0].reason, DepthReason::kDriftGuard);
  for (ScheduledText& text : texts) text.tasks[0].task = mood_;
  EXPECT_EQ(chooser_.Choose(texts, {})[0][0].reason, DepthReason::kMinQuality);
  Disagree(*old, 11, 500);  // a shadow that was still on its way
  EXPECT_EQ(chooser_.Choose(texts, {})[0][0].reason, DepthReason::kMinQuality);
}

TEST_F(ServerDepthChooserTest, ThreadsMayDoAllOfItAtOnce) {
  AllowBrownout("mood");
  const auto texts = Texts(20, {{.task = mood_, .depth = MinQuality(0.9)},
                                {.task = topic_, .depth = Budget(5)},
                                {.task = topic_, .depth = {}}});
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&, i] {
      for (int round = 0; round < 50; ++round) {
        chooser_.Choose(texts, {.queue_share = 0.1});
        chooser_.OnShadow(*mood_, 1 + i, {.logits = {0, 1}}, {.logits = {0, 1}});
        chooser_.OnQueueShare(round % 2 == 0 ? 0.9 : 0.1, absl::FromUnixSeconds(round));
        chooser_.ResetGuard("topic");
        EXPECT_GE(chooser_.report().brownout_steps, 0);
        EXPECT_TRUE(policies_.Change(Task("topic"), {.quality_floor = 0.9}).ok());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace fathom
