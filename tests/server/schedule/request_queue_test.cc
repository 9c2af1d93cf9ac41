// RequestQueue against a model: any mix of arrivals, passes, failures, cancellations, deadlines,
// abandoned passes, chosen depths and shadows.
#include "server/schedule/request_queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>
#include <string>

#include "server/schedule/chosen_depths.h"

namespace fathom {
namespace {

constexpr int64_t kMaxRows = 24;
constexpr int kTasks = 3;
constexpr int kLayers = 2;

// Chooses what it is told to, and sometimes nonsense.
class DrawnDepths : public DepthChooser {
 public:
  explicit DrawnDepths(uint32_t seed) : random_(seed) {}

  std::vector<std::vector<ChosenDepth>> Choose(absl::Span<const ScheduledText> texts,
                                               const CutMoment& /*moment*/) override {
    std::vector<std::vector<ChosenDepth>> depths;
    for (const ScheduledText& text : texts) {
      depths.emplace_back();
      for (size_t i = 0; i < text.tasks.size(); ++i) {
        depths.back().push_back({.skip_layers = static_cast<int>(random_() % (kLayers + 2)),
                                 .reason = DepthReason::kLatencyBudget,
                                 .shadow = random_() % 2 == 0});
      }
    }
    return depths;
  }
  void OnShadow(const ServableTask& /*task*/, int /*skip_layers*/, const TaskOutput& /*chosen*/,
                const TaskOutput& /*at_zero*/) override {}
  void OnQueueShare(double /*share*/, absl::Time /*now*/) override {}

 private:
  std::mt19937 random_;
};

class Mix {
 public:
  explicit Mix(uint32_t seed)
      : random_(seed),
        depths_(seed),
        queue_({.pass = {.max_rows = kMaxRows, .max_ms = 12, .fixed_ms = 1},
                .order = {.ageing = absl::Seconds(5), .near = absl::Seconds(1)},
                .layers = kLayers,
                .depths = seed % 3 == 0 ? nullptr : &depths_}) {
    for (int i = 0; i < kTasks; ++i) {
      tasks_.push_back(std::make_shared<ServableTask>(TaskInfo{.name = std::to_string(i)}));
    }
  }

  void Arrive() {
    ScheduledRequest request;
    const int texts = Draw(3) + 1;
    for (int i = 0; i < texts; ++i) {
      ScheduledText& text = request.texts.emplace_back();
      text.text.ids.assign(static_cast<size_t>(Draw(4)) + 1, Draw(3));
      text.text.segment_ids.assign(text.text.ids.size(), 0);
      for (int task = Draw(3); task >= 0; --task) {
        ScheduledTask& one = text.tasks.emplace_back();
        one.task = tasks_[static_cast<size_t>(Draw(kTasks))];
        one.skip_layers = Draw(2);
        if (Draw(3) == 0) one.depth.kind = DepthChoice::Kind::kTaskDefault;
      }
    }
    const auto cancelled = std::make_shared<std::atomic<bool>>(false);
    request.cancelled = cancelled;
    request.priority = Draw(10);
    const absl::Time deadline =
        Draw(4) == 0 ? now_ + absl::Seconds(Draw(10)) : absl::InfiniteFuture();
    const auto queued = std::make_shared<QueuedRequest>(
        std::move(request), nullptr, RequestTimes{.submitted = now_, .deadline = deadline});
    queued->estimate.row_ms = 0.5 * Draw(3);
    cancels_[queued.get()] = cancelled;
    unanswered_.insert(queued);
    queue_.Add(queued, std::to_string(Draw(3)), now_);
  }

  void PassTime() { now_ += absl::Milliseconds(Draw(2000)); }

  // Ends a pass early if nobody waits for it.
  void Abandon() {
    if (passes_.empty()) return;
    const auto pass = passes_.begin() + Draw(static_cast<int>(passes_.size()));
    bool wanted = false;
    for (const BatchPart& part : pass->parts) {
      for (const FlightPtr& flight : part.flights) {
        for (const QueuedRequest* holder : flight->holders) wanted |= !holder->Gone(now_);
      }
    }
    ASSERT_EQ(queue_.Abandon(*pass, now_), !wanted);
    if (wanted) return;
    for (const BatchPart& part : pass->parts) {
      for (const FlightPtr& flight : part.flights) running_.erase(Key(*flight));
    }
    for (const QueuedRequestPtr& request : queue_.Fail(*pass)) {
      ASSERT_TRUE(request->Gone(now_));
      Gone({request}, false);
    }
    passes_.erase(pass);
  }

  void StartPass() {
    const bool had_work = queue_.has_work();
    Batch batch = queue_.Take(now_, {});
    Gone(batch.expired, false);
    for (const QueuedRequestPtr& request : batch.expired) {
      ASSERT_LE(request->times.deadline, now_);
    }
    Gone(batch.cancelled, true);
    if (!had_work) {
      ASSERT_TRUE(batch.parts.empty());
    }
    int64_t rows = 0;
    for (const BatchPart& part : batch.parts) {
      ASSERT_FALSE(part.flights.empty());
      for (const FlightPtr& flight : part.flights) {
        ASSERT_TRUE(running_.insert(Key(*flight)).second) << "computed twice at once";
        ASSERT_EQ(flight->text.text->ids, part.flights[0]->text.text->ids);
        rows += flight->tokens();
      }
    }
    ASSERT_LE(rows, kMaxRows);
    for (const Shadow& shadow : batch.shadows) {
      ASSERT_EQ(shadow.at_zero->task.skip_layers, 0);
      ASSERT_GT(shadow.chosen->task.skip_layers, 0);
      ASSERT_EQ(shadow.at_zero->task.task, shadow.chosen->task.task);
      ASSERT_EQ(shadow.at_zero->text.text->ids, shadow.chosen->text.text->ids);
      ASSERT_EQ(shadow.at_zero->pass, shadow.chosen->pass);
      shadows_ += 1;
    }
    if (!batch.parts.empty()) passes_.push_back(std::move(batch));
  }

  void EndPass(bool fails) {
    if (passes_.empty()) return;
    const auto ended = passes_.begin() + Draw(static_cast<int>(passes_.size()));
    const Batch batch = std::move(*ended);
    passes_.erase(ended);
    PassResult result;
    std::set<QueuedRequest*> holders;
    for (const BatchPart& part : batch.parts) {
      result.work.push_back({});
      std::vector<TaskOutput>& outputs = result.outputs.emplace_back();
      for (const FlightPtr& flight : part.flights) {
        outputs.push_back({.status = {}, .logits = Logits(*flight->text.text, flight->task)});
        running_.erase(Key(*flight));
        holders.insert(flight->holders.begin(), flight->holders.end());
      }
    }
    if (fails) {
      const std::vector<QueuedRequestPtr> failed = queue_.Fail(batch);
      ASSERT_EQ(failed.size(), holders.size());
      for (const QueuedRequestPtr& request : failed) ASSERT_EQ(holders.count(request.get()), 1U);
      Gone(failed, false);
      return;
    }
    for (const QueuedRequestPtr& request :
         queue_.Finish(batch, result, absl::Seconds(1)).requests) {
      ASSERT_EQ(unanswered_.erase(request), 1U) << "answered twice";
      ASSERT_GE(request->result.passes, 1);
      CheckOutputs(*request);
    }
  }

  void Cancel() {
    if (unanswered_.empty()) return;
    auto one = unanswered_.begin();
    std::advance(one, Draw(static_cast<int>(unanswered_.size())));
    cancels_.at(one->get())->store(true);
    if (Draw(2) == 0) Gone(queue_.TakeGone(now_), false);
  }

  void CheckLength() const {
    QueueLength length;
    for (const QueuedRequestPtr& request : unanswered_) {
      bool waits = false;
      for (const QueuedRequest::Text& text : request->texts) {
        for (const FlightPtr& flight : text.flights) {
          if (flight != nullptr && flight->state != Flight::State::kWaiting) continue;
          waits = true;
          length.rows += text.tokens();
          length.ms += request->estimate.row_ms * static_cast<double>(text.tokens());
        }
      }
      length.requests += waits ? 1 : 0;
    }
    ASSERT_EQ(queue_.length().requests, length.requests);
    ASSERT_EQ(queue_.length().rows, length.rows);
    ASSERT_NEAR(queue_.length().ms, length.ms, 1e-6);
    ASSERT_EQ(queue_.Waiting().size(), static_cast<size_t>(length.requests));
  }

  void Finish() {
    while (queue_.has_work() || !passes_.empty()) {
      StartPass();
      EndPass(false);
    }
    EXPECT_TRUE(unanswered_.empty());
    EXPECT_EQ(queue_.length().rows, 0);
    EXPECT_EQ(queue_.turn_ms(), 0);
  }

  int shadows() const { return shadows_; }

 private:
  using FlightKey = std::tuple<std::vector<int32_t>, const ServableTask*, int>;

  static FlightKey Key(const Flight& flight) {
    return {flight.text.text->ids, flight.task.task.get(), flight.task.skip_layers};
  }
  static std::vector<float> Logits(const TokenizedText& text, const ScheduledTask& task) {
    std::vector<float> logits(text.ids.begin(), text.ids.end());
    logits.push_back(static_cast<float>(task.skip_layers));
    logits.push_back(static_cast<float>(task.task->info().name[0]));
    return logits;
  }
  static void CheckOutputs(const QueuedRequest& request) {
    const auto outputs = request.Outputs();
    for (size_t i = 0; i < request.texts.size(); ++i) {
      const QueuedRequest::Text& text = request.texts[i];
      for (size_t task = 0; task < text.tasks.size(); ++task) {
        ASSERT_EQ(outputs[i][task].logits, Logits(*text.text.text, text.tasks[task]));
        const ChosenDepth& depth = request.result.depths[i][task];
        ASSERT_EQ(depth.skip_layers, text.tasks[task].skip_layers);
        ASSERT_EQ(depth.reason == DepthReason::kExact, IsExact(text.tasks[task]));
        ASSERT_LE(depth.skip_layers, kLayers);
      }
    }
  }

  void Gone(const std::vector<QueuedRequestPtr>& requests, bool cancelled) {
    for (const QueuedRequestPtr& request : requests) {
      ASSERT_EQ(unanswered_.erase(request), 1U) << "answered twice";
      if (cancelled) {
        ASSERT_TRUE(request->cancelled());
      }
    }
  }

  int Draw(int below) { return static_cast<int>(random_() % static_cast<unsigned>(below)); }

  std::mt19937 random_;
  DrawnDepths depths_;
  absl::Time now_ = absl::FromUnixSeconds(1000);
  std::vector<std::shared_ptr<const ServableTask>> tasks_;
  RequestQueue queue_;
  std::set<QueuedRequestPtr> unanswered_;
  std::map<const QueuedRequest*, std::shared_ptr<std::atomic<bool>>> cancels_;
  std::vector<Batch> passes_;  // that run
  std::set<FlightKey> running_;
  int shadows_ = 0;
};

TEST(RequestQueueProperty, EveryRequestIsAnsweredOnceAndRightWhateverTheOthersDo) {
  int shadows = 0;
  for (uint32_t seed = 0; seed < 300; ++seed) {
    SCOPED_TRACE(seed);
    Mix mix(seed);
    std::mt19937 random(seed);
    for (int step = 0; step < 100; ++step) {
      const auto draw = random() % 12;
      if (draw < 4) {
        mix.Arrive();
      } else if (draw < 6) {
        mix.StartPass();
      } else if (draw < 9) {
        mix.EndPass(random() % 5 == 0);
      } else if (draw < 10) {
        mix.Cancel();
      } else if (draw < 11) {
        mix.PassTime();
      } else {
        mix.Abandon();
      }
      mix.CheckLength();
      if (::testing::Test::HasFatalFailure()) return;
    }
    mix.Finish();
    shadows += mix.shadows();
  }
  EXPECT_GT(shadows, 100);
}

}  // namespace
}  // namespace fathom
