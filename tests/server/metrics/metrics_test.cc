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

MetricsOptions Options() { return {.version = "0.1.0"}; }

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

// An answered call: n of each task of its one text.
void Answer(Metrics& metrics, const std::vector<TaskInfo>& tasks,
            const std::vector<ChosenDepth>& depths) {
  ScheduledText text;
  for (const TaskInfo& task : tasks) {
    text.tasks.push_back({.task = std::make_shared<ServableTask>(task)});
  }
  metrics.OnDepths({text}, {depths});
}

TEST(Metrics, SaysWhatRuns) {
  const Metrics metrics({.version = "0.1.0", .concurrency = {.passes = 3}}, Encoder(), Tasks());
  EXPECT_THAT(Scrape(metrics),
              AllOf(HasSubstr("version=\"0.1.0\""), HasSubstr("encoder=\"fake-encoder\""),
                    HasSubstr("fathom_workers 3\n")));
}

TEST(Metrics, CountsACallUnderItsFinalStatus) {
  Metrics metrics(Options(), Encoder(), Tasks());
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
  Metrics metrics(Options(), Encoder(), Tasks());
  CallObservation call = Call("mood", absl::StatusCode::kResourceExhausted);
  call.tokenize = absl::Microseconds(150);
  metrics.ObserveCall(call);
  EXPECT_THAT(Scrape(metrics), AllOf(HasSubstr("fathom_tokenize_duration_seconds_count 1"),
                                     HasSubstr("fathom_queue_duration_seconds_count 0"),
                                     HasSubstr("fathom_compute_duration_seconds_count 0")));
}

TEST(Metrics, LabelsOfUnknownTasksAreBounded) {
  Metrics metrics(Options(), Encoder(), Tasks());
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
  Metrics metrics(Options(), Encoder(), tasks);
  for (const TaskInfo& task : tasks) metrics.ObserveCall(Call(task.name, absl::StatusCode::kOk));
  const std::string text = Scrape(metrics);
  EXPECT_THAT(text, HasSubstr("{code=\"OK\",task=\"task1099\"} 1"));
  EXPECT_THAT(text, Not(HasSubstr("task1100")));
  EXPECT_THAT(text, HasSubstr("{code=\"OK\",task=\"other\"} 50"));
}

TEST(Metrics, ATaskThatIsLoadedLaterHasALabelAsLongAsThereAreSome) {
  Metrics metrics({.max_tasks = 3}, Encoder(), Tasks());  // mood and likeness are two
  Answer(metrics, {RegressionTask("third"), RegressionTask("fourth")}, {{}, {}});
  metrics.ObserveCall(Call("third", absl::StatusCode::kOk));
  metrics.ObserveCall(Call("fourth", absl::StatusCode::kOk));
  const std::string text = Scrape(metrics);
  EXPECT_THAT(text, HasSubstr("{code=\"OK\",task=\"third\"} 1"));
  EXPECT_THAT(text, HasSubstr("{code=\"OK\",task=\"other\"} 1"));
  EXPECT_THAT(text, HasSubstr("{skip_layers=\"0\",task=\"other\"} 1"));
  EXPECT_THAT(text, Not(HasSubstr("fourth")));
}

TEST(Metrics, WithoutLabelsEveryTaskIsOther) {
  Metrics metrics({.max_tasks = 0}, Encoder(), Tasks());
  metrics.ObserveCall(Call("mood", absl::StatusCode::kOk));
  EXPECT_THAT(Scrape(metrics), HasSubstr("{code=\"OK\",task=\"other\"} 1"));
}

TEST(Metrics, CountsTheChosenDepthsAndWhy) {
  Metrics metrics(Options(), Encoder(), Tasks());
  const TaskInfo mood = Tasks()[0];
  const ChosenDepth exact{.skip_layers = 5, .reason = DepthReason::kExact};
  const ChosenDepth raised{.skip_layers = 10, .reason = DepthReason::kBrownout};
  Answer(metrics, {mood, mood, RegressionTask("likeness")}, {exact, exact, raised});
  EXPECT_THAT(Scrape(metrics),
              AllOf(HasSubstr("fathom_skip_layers_chosen_total{skip_layers=\"5\",task=\"mood\"} 2"),
                    HasSubstr("{skip_layers=\"10\",task=\"likeness\"} 1"),
                    HasSubstr("fathom_depth_reasons_total{reason=\"exact\"} 2"),
                    HasSubstr("fathom_depth_reasons_total{reason=\"brownout\"} 1"),
                    HasSubstr("fathom_depth_reasons_total{reason=\"drift_guard\"} 0")));
}

// The profile scores 0.8 at n = 0 and 0.7 at n = 5; a task without one says nothing.
TEST(Metrics, MeasuresTheExpectedQualityByTheProfile) {
  Metrics metrics(Options(), Encoder(), Tasks());
  Answer(metrics, {Tasks()[0], RegressionTask("likeness")}, {{.skip_layers = 5}, {}});
  EXPECT_THAT(Scrape(metrics), AllOf(HasSubstr("fathom_expected_quality_ratio_count 1\n"),
                                     HasSubstr("fathom_expected_quality_ratio_sum 0.875\n")));
}

TEST(Metrics, TheRawEncoderHasNoDepth) {
  Metrics metrics(Options(), Encoder(), Tasks());
  ScheduledText text;
  text.tasks.push_back({.task = nullptr});
  metrics.OnDepths({text}, {{ChosenDepth{}}});
  EXPECT_THAT(Scrape(metrics), HasSubstr("fathom_depth_reasons_total{reason=\"task_default\"} 0"));
}

TEST(Metrics, CountsRejectionsByReasonFromZero) {
  Metrics metrics(Options(), Encoder(), Tasks());
  metrics.OnRejection(Rejection::kQueueMs);
  metrics.OnAbandonedPass();
  EXPECT_THAT(Scrape(metrics),
              AllOf(HasSubstr("fathom_rejections_total{reason=\"queue_ms\"} 1"),
                    HasSubstr("fathom_rejections_total{reason=\"queue_tokens\"} 0"),
                    HasSubstr("fathom_rejections_total{reason=\"pass_failed\"} 0"),
                    HasSubstr("fathom_abandoned_passes_total 1\n")));
}

TEST(Metrics, ShowsTheQueueAsAShareOfTheLimitThatIsNearest) {
  Metrics metrics(
      {.limits = {.max_queue_requests = 100, .max_queue_rows = 1000, .max_queue_ms = 500}},
      Encoder(), Tasks());
  metrics.OnQueue({.requests = 50, .rows = 800, .ms = 250});
  EXPECT_THAT(Scrape(metrics),
              AllOf(HasSubstr("fathom_queue_requests 50\n"), HasSubstr("fathom_queue_tokens 800\n"),
                    HasSubstr("fathom_queue_seconds 0.25\n"),
                    HasSubstr("fathom_queue_utilization_ratio 0.8\n")));
  Metrics unlimited({.limits = {.max_queue_requests = 100, .max_queue_ms = 0}}, Encoder(), Tasks());
  unlimited.OnQueue({.requests = 50, .rows = 0, .ms = 250});
  EXPECT_THAT(Scrape(unlimited), HasSubstr("fathom_queue_utilization_ratio 0.5\n"));
}

TEST(Metrics, MeasuresTheStagesOfAPassInSeconds) {
  Metrics metrics(Options(), Encoder(), Tasks());
  metrics.OnPass({.actual_ms = 16, .times = {.trunk_ms = 8, .branches_ms = 4, .heads_ms = 0.5}});
  EXPECT_THAT(Scrape(metrics), AllOf(HasSubstr("fathom_trunk_duration_seconds_sum 0.008"),
                                     HasSubstr("fathom_branches_duration_seconds_sum 0.004"),
                                     HasSubstr("fathom_heads_duration_seconds_sum 0.0005"),
                                     HasSubstr("fathom_pass_duration_seconds_sum 0.016")));
}

TEST(Metrics, AddsUpPassesAndShowsTheQueue) {
  Metrics metrics(Options(), Encoder(), Tasks());
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
                    HasSubstr("fathom_queue_requests 7"), HasSubstr("fathom_queue_tokens 300")));
}

TEST(Metrics, MeasuresTheCostModelWhereItPredicts) {
  Metrics metrics(Options(), Encoder(), Tasks());
  metrics.OnPass({.rows = 1, .texts = 1, .predicted_ms = 9, .actual_ms = 10});
  metrics.OnPass({.rows = 1, .texts = 1, .predicted_ms = 14, .actual_ms = 10});
  metrics.OnPass({.rows = 1, .texts = 1, .predicted_ms = 0, .actual_ms = 10});
  EXPECT_THAT(Scrape(metrics),
              AllOf(HasSubstr("fathom_cost_model_error_ratio_count 2\n"),
                    HasSubstr("fathom_cost_model_error_ratio_sum 0.5\n"),
                    HasSubstr("fathom_cost_model_error_ratio_bucket{le=\"0.15\"} 1\n")));
}

TEST(Metrics, CountsFromManyThreads) {
  Metrics metrics(Options(), Encoder(), Tasks());
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
