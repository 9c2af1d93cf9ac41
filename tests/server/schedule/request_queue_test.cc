// RequestQueue against a model: any mix of arrivals, passes, failures and cancellations.
#include "server/schedule/request_queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>

namespace fathom {
namespace {

constexpr int64_t kMaxRows = 24;
constexpr int kTasks = 3;

class Mix {
 public:
  explicit Mix(uint32_t seed) : random_(seed) {
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
        text.tasks.push_back(
            {.task = tasks_[static_cast<size_t>(Draw(kTasks))], .skip_layers = Draw(2)});
      }
    }
    const auto cancelled = std::make_shared<std::atomic<bool>>(false);
    request.cancelled = cancelled;
    const auto queued = std::make_shared<QueuedRequest>(std::move(request), nullptr);
    cancels_[queued.get()] = cancelled;
    unanswered_.insert(queued);
    queue_.Add(queued);
  }

  void StartPass() {
    Batch batch = queue_.Take(absl::Now(), kMaxRows);
    Gone(batch.expired, false);
    Gone(batch.cancelled, true);
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
    if (Draw(2) == 0) Gone(queue_.TakeCancelled(), true);
  }

  void CheckLength() const {
    QueueLength length;
    for (const QueuedRequestPtr& request : unanswered_) {
      bool waits = false;
      for (const QueuedRequest::Text& text : request->texts) {
        for (const FlightPtr& flight : text.flights) {
          if (flight->state != Flight::State::kWaiting) continue;
          waits = true;
          length.rows += flight->tokens();
        }
      }
      length.requests += waits ? 1 : 0;
    }
    ASSERT_EQ(queue_.length().requests, length.requests);
    ASSERT_EQ(queue_.length().rows, length.rows);
  }

  void Finish() {
    while (queue_.has_work() || !passes_.empty()) {
      StartPass();
      EndPass(false);
    }
    EXPECT_TRUE(unanswered_.empty());
  }

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
  std::vector<std::shared_ptr<const ServableTask>> tasks_;
  RequestQueue queue_;
  std::set<QueuedRequestPtr> unanswered_;
  std::map<const QueuedRequest*, std::shared_ptr<std::atomic<bool>>> cancels_;
  std::vector<Batch> passes_;  // that run
  std::set<FlightKey> running_;
};

TEST(RequestQueueProperty, EveryRequestIsAnsweredOnceAndRightWhateverTheOthersDo) {
  for (uint32_t seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE(seed);
    Mix mix(seed);
    std::mt19937 random(seed);
    for (int step = 0; step < 100; ++step) {
      const auto draw = random() % 10;
      if (draw < 4) {
        mix.Arrive();
      } else if (draw < 6) {
        mix.StartPass();
      } else if (draw < 9) {
        mix.EndPass(random() % 5 == 0);
      } else {
        mix.Cancel();
      }
      mix.CheckLength();
      if (::testing::Test::HasFatalFailure()) return;
    }
    mix.Finish();
  }
}

}  // namespace
}  // namespace fathom
