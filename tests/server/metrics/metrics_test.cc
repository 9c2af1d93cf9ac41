#include "server/metrics/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prometheus/text_serializer.h>

#include <string>
#include <thread>

#include "tests/server/fake_engine.h"

namespace fathom {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

std::vector<TaskInfo> Tasks() {
  return {ClassificationTask("mood", {"bad", "good"}), RegressionTask("likeness"),
          RefusedTask("broken", absl::DataLossError("truncated"))};
}

EncoderInfo Encoder() { return FakeEngine().encoder(); }

std::string Scrape(const Metrics& metrics) {
  return prometheus::TextSerializer().Serialize(metrics.registry()->Collect());
}

CallObservation Call(const std::string& task, absl::StatusCode code) {
  CallObservation call;
  call.code = code;
  call.total = absl::Milliseconds(3);
  call.tasks.emplace_back().name = task;
  call.tasks.back().code = code;
  return call;
}

TEST(Metrics, SaysWhatRunsAndWhatIsLoaded) {
  const Metrics metrics("0.1.0", Encoder(), Tasks());
  EXPECT_THAT(
      Scrape(metrics),
      AllOf(HasSubstr("fathom_tasks_loaded 2"), HasSubstr("fathom_task_load_failures_total 1"),
            HasSubstr("version=\"0.1.0\""), HasSubstr("encoder=\"fake-encoder\"")));
}

TEST(Metrics, CountsACallUnderItsFinalStatus) {
  Metrics metrics("0.1.0", Encoder(), Tasks());
  metrics.ObserveCall(Call("mood", absl::StatusCode::kOk));
  metrics.ObserveCall(Call("mood", absl::StatusCode::kDeadlineExceeded));
  EXPECT_THAT(
      Scrape(metrics),
      AllOf(HasSubstr("fathom_requests_total{code=\"OK\",task=\"mood\"} 1"),
            HasSubstr("fathom_requests_total{code=\"DEADLINE_EXCEEDED\",task=\"mood\"} 1"),
            HasSubstr("fathom_request_duration_seconds_count{code=\"DEADLINE_EXCEEDED\"} 1"),
            HasSubstr("code=\"OK\",le=\"0.002\"} 0"), HasSubstr("code=\"OK\",le=\"0.005\"} 1")));
}

TEST(Metrics, MeasuresOnlyTheStagesThatACallReached) {
  Metrics metrics("0.1.0", Encoder(), Tasks());
  CallObservation call = Call("mood", absl::StatusCode::kResourceExhausted);
  call.tokenize = absl::Microseconds(150);
  metrics.ObserveCall(call);
  EXPECT_THAT(Scrape(metrics), AllOf(HasSubstr("fathom_tokenize_duration_seconds_count 1"),
                                     HasSubstr("fathom_queue_duration_seconds_count 0"),
                                     HasSubstr("fathom_compute_duration_seconds_count 0")));
}

TEST(Metrics, LabelsOfUnknownTasksAreBounded) {
  Metrics metrics("0.1.0", Encoder(), Tasks());
  metrics.ObserveCall(Call("no such task", absl::StatusCode::kNotFound));
  metrics.ObserveCall(Call("nor this", absl::StatusCode::kNotFound));
  metrics.ObserveCall(CallObservation{.code = absl::StatusCode::kInvalidArgument,
                                      .tasks = {},
                                      .total = absl::ZeroDuration(),
                                      .tokenize = {},
                                      .queue = {},
                                      .compute = {}});
  const std::string text = Scrape(metrics);
  EXPECT_THAT(text, HasSubstr("fathom_requests_total{code=\"NOT_FOUND\",task=\"other\"} 2"));
  EXPECT_THAT(text, HasSubstr("fathom_requests_total{code=\"INVALID_ARGUMENT\",task=\"none\"} 1"));
  EXPECT_THAT(text, Not(HasSubstr("no such task")));
}

TEST(Metrics, LabelsOfManyTasksAreBounded) {
  std::vector<TaskInfo> tasks;
  for (int i = 0; i < 150; ++i) tasks.push_back(RegressionTask("task" + std::to_string(1000 + i)));
  Metrics metrics("0.1.0", Encoder(), tasks);
  for (const TaskInfo& task : tasks) metrics.ObserveCall(Call(task.name, absl::StatusCode::kOk));
  const std::string text = Scrape(metrics);
  EXPECT_THAT(text, HasSubstr("{code=\"OK\",task=\"task1099\"} 1"));
  EXPECT_THAT(text, Not(HasSubstr("task1100")));
  EXPECT_THAT(text, HasSubstr("{code=\"OK\",task=\"other\"} 50"));
}

TEST(Metrics, CountsTheChosenDepthOncePerText) {
  Metrics metrics("0.1.0", Encoder(), Tasks());
  CallObservation call = Call("mood", absl::StatusCode::kOk);
  call.tasks[0].skip_layers = 5;
  call.tasks[0].texts = 3;
  metrics.ObserveCall(call);
  EXPECT_THAT(Scrape(metrics),
              HasSubstr("fathom_skip_layers_chosen_total{skip_layers=\"5\",task=\"mood\"} 3"));
}

TEST(Metrics, AddsUpPassesAndShowsTheQueue) {
  Metrics metrics("0.1.0", Encoder(), Tasks());
  const Work work{.row_layers_run = 10.5,
                  .row_layers_shared = 4,
                  .row_layers_cached = 3,
                  .row_layers_skipped = 2};
  metrics.OnPass({.rows = 100, .texts = 3, .deduplicated_items = 5, .work = work});
  metrics.OnPass({.rows = 100, .texts = 3, .work = work});
  metrics.OnQueue({.requests = 7, .rows = 300});
  EXPECT_THAT(Scrape(metrics),
              AllOf(HasSubstr("fathom_row_layers_run_total 21"),
                    HasSubstr("fathom_row_layers_shared_total 8"),
                    HasSubstr("fathom_row_layers_cached_total 6"),
                    HasSubstr("fathom_row_layers_skipped_total 4"),
                    HasSubstr("fathom_deduplicated_items_total 5"),
                    HasSubstr("fathom_batch_rows_sum 200"), HasSubstr("fathom_batch_texts_count 2"),
                    HasSubstr("fathom_queue_requests 7"), HasSubstr("fathom_queue_rows 300")));
}

TEST(Metrics, MeasuresTheCostModelWhereItPredicts) {
  Metrics metrics("0.1.0", Encoder(), Tasks());
  metrics.OnPass({.rows = 1, .texts = 1, .predicted_ms = 9, .actual_ms = 10});
  metrics.OnPass({.rows = 1, .texts = 1, .predicted_ms = 14, .actual_ms = 10});
  metrics.OnPass({.rows = 1, .texts = 1, .predicted_ms = 0, .actual_ms = 10});
  EXPECT_THAT(Scrape(metrics),
              AllOf(HasSubstr("fathom_cost_model_error_ratio_count 2\n"),
                    HasSubstr("fathom_cost_model_error_ratio_sum 0.5\n"),
                    HasSubstr("fathom_cost_model_error_ratio_bucket{le=\"0.15\"} 1\n")));
}

TEST(Metrics, CountsFromManyThreads) {
  Metrics metrics("0.1.0", Encoder(), Tasks());
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&metrics] {
      for (int i = 0; i < 250; ++i) metrics.ObserveCall(Call("mood", absl::StatusCode::kOk));
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(Scrape(metrics), HasSubstr("fathom_requests_total{code=\"OK\",task=\"mood\"} 1000"));
}

}  // namespace
}  // namespace fathom
