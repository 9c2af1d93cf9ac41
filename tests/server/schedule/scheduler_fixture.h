// A scheduler over a FakeEngine with one task, and an observer that remembers.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "server/schedule/scheduler.h"
#include "tests/server/fake_engine.h"

namespace fathom {

class RecordingObserver : public SchedulerObserver {
 public:
  void OnQueue(const QueueLength& length) override {
    const std::lock_guard lock(mutex_);
    last_queue_ = length;
  }
  void OnPass(const PassReport& report) override {
    const std::lock_guard lock(mutex_);
    passes_.push_back(report);
  }
  void OnRejection(Rejection rejection) override {
    const std::lock_guard lock(mutex_);
    rejections_.push_back(rejection);
  }
  void OnDepths(absl::Span<const ScheduledText> /*texts*/,
                absl::Span<const std::vector<ChosenDepth>> depths) override {
    const std::lock_guard lock(mutex_);
    for (const std::vector<ChosenDepth>& text : depths) {
      depths_.insert(depths_.end(), text.begin(), text.end());
    }
  }
  void OnAbandonedPass() override {
    const std::lock_guard lock(mutex_);
    abandoned_passes_ += 1;
  }
  std::vector<Rejection> rejections() const {
    const std::lock_guard lock(mutex_);
    return rejections_;
  }
  std::vector<ChosenDepth> depths() const {
    const std::lock_guard lock(mutex_);
    return depths_;
  }
  int abandoned_passes() const {
    const std::lock_guard lock(mutex_);
    return abandoned_passes_;
  }
  QueueLength last_queue() const {
    const std::lock_guard lock(mutex_);
    return last_queue_;
  }
  std::vector<PassReport> passes() const {
    const std::lock_guard lock(mutex_);
    return passes_;
  }

 private:
  mutable std::mutex mutex_;
  QueueLength last_queue_;
  std::vector<PassReport> passes_;
  std::vector<Rejection> rejections_;
  std::vector<ChosenDepth> depths_;
  int abandoned_passes_ = 0;
};

class SchedulerTest : public ::testing::Test {
 protected:
  using Answer = absl::StatusOr<ScheduledResult>;

  explicit SchedulerTest(Concurrency concurrency = {}) : engine_(concurrency) {
    engine_.AddTask(ClassificationTask("mood", {"bad", "good"}));
    task_ = *engine_.FindTask("mood", 0);
  }

  void Start(const SchedulerOptions& options = {}, DepthChooser* depths = nullptr,
             const Clock* clock = nullptr) {
    scheduler_ = nullptr;
    auto scheduler = Scheduler::Create(&engine_, options, &observer_, depths, clock);
    ASSERT_TRUE(scheduler.ok()) << scheduler.status();
    scheduler_ = *std::move(scheduler);
  }

  // `texts` texts of `tokens` tokens, each with `tasks` tasks at n = 0, 1, … No text is like one of
  // another request.
  ScheduledRequest Request(int texts = 1, size_t tokens = 4, int tasks = 1) {
    ScheduledRequest request;
    for (int i = 0; i < texts; ++i) {
      ScheduledText& text = request.texts.emplace_back();
      text.text.ids.assign(tokens, next_id_++);
      text.text.segment_ids.assign(tokens, 0);
      for (int t = 0; t < tasks; ++t) text.tasks.push_back({.task = task_, .skip_layers = t});
    }
    return request;
  }

  // The answer, or Submit's own error.
  std::future<Answer> Submit(ScheduledRequest request) {
    auto promise = std::make_shared<std::promise<Answer>>();
    std::future<Answer> answer = promise->get_future();
    const absl::Status status = scheduler_->Submit(
        std::move(request), [promise](Answer result) { promise->set_value(std::move(result)); });
    if (!status.ok()) promise->set_value(status);
    return answer;
  }

  // Puts the worker inside a pass that waits for Release.
  std::future<Answer> Occupy() {
    engine_.Hold();
    std::future<Answer> answer = Submit(Request());
    engine_.AwaitRuns(1);
    return answer;
  }

  FakeEngine engine_;
  RecordingObserver observer_;
  std::shared_ptr<const ServableTask> task_;
  std::atomic<int32_t> next_id_ = 10;
  std::unique_ptr<Scheduler> scheduler_;
};

}  // namespace fathom
