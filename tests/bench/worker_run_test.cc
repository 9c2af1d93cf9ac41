#include "tests/bench/worker_run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace fathom::bench {
namespace {

using ::testing::HasSubstr;

// Knows task "a", whose logit is the number of passes since the caches were emptied.
class FakeEngine : public Engine {
 public:
  const EncoderInfo& encoder() const override { return info_; }
  absl::StatusOr<TokenizedText> Tokenize(const TextInput&, Truncation) const override {
    return absl::UnimplementedError("not used");
  }
  absl::StatusOr<std::shared_ptr<const ServableTask>> FindTask(std::string_view name,
                                                               int) const override {
    if (name == "a") return task_;
    return absl::NotFoundError("no such task");
  }
  std::vector<TaskInfo> ListTasks() const override { return {}; }
  absl::StatusOr<PassResult> Run(absl::Span<const PassText> texts, const RunOptions&) override {
    ++passes_;
    PassResult result;
    for (const PassText& text : texts) {
      std::vector<TaskOutput>& outputs = result.outputs.emplace_back();
      for (const PassTask& task : text.tasks) {
        const bool raw = task.task == nullptr;
        outputs.push_back(
            {.status = output_status, .logits = {raw ? -1.0F : static_cast<float>(passes_)}});
      }
      result.work.push_back({.row_layers_run = 2, .row_layers_cached = 1});
    }
    return result;
  }
  TaskCounts task_counts() const override { return {}; }
  absl::StatusOr<TaskInfo> LoadTask(std::string_view, int, const LoadTaskOptions&) override {
    return absl::UnimplementedError("not used");
  }
  absl::Status UnloadTask(std::string_view, int) override {
    return absl::UnimplementedError("not used");
  }
  absl::Status SetDefaultVersion(std::string_view, int) override {
    return absl::UnimplementedError("not used");
  }
  absl::StatusOr<ScanReport> ScanTasks() override { return absl::UnimplementedError("not used"); }
  double PredictMs(absl::Span<const PassText>, int) const override { return 0; }
  Concurrency concurrency() const override { return {}; }
  const CalibrationReport& calibration() const override { return calibration_; }
  CacheReport cache_report() const override { return {}; }
  void ClearCaches() override { passes_ = 0; }

  absl::Status output_status;

 private:
  EncoderInfo info_;
  CalibrationReport calibration_;
  std::shared_ptr<const ServableTask> task_ = std::make_shared<ServableTask>(TaskInfo{.name = "a"});
  int passes_ = 0;
};

Job TwoTexts(const std::string& task) {
  return {.texts = {{.text = {.ids = {1}, .segment_ids = {0}}, .tasks = {{.name = task}}},
                    {.text = {.ids = {2}, .segment_ids = {0}}, .tasks = {{.name = ""}}}},
          .untimed = 2,
          .repeat = 3};
}

TEST(WorkerRun, TimesTheRunsAndAddsUpTheWork) {
  FakeEngine engine;
  const auto answer = RunJob(TwoTexts("a"), engine);
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ((*answer)["ms"].size(), 3);
  EXPECT_EQ((*answer)["logits"], nlohmann::json::parse("[[[1.0]], [[-1.0]]]"));
  EXPECT_EQ((*answer)["row_layers_run"], 4.0);
  EXPECT_EQ((*answer)["row_layers_cached"], 2.0);
}

TEST(WorkerRun, KeepsTheCachesIfAsked) {
  FakeEngine engine;
  Job job = TwoTexts("a");
  job.keep_taps = true;
  const auto answer = RunJob(job, engine);
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ((*answer)["logits"][0][0][0], 5.0);  // two untimed runs and three timed ones
}

TEST(WorkerRun, PassesErrorsOn) {
  FakeEngine engine;
  EXPECT_EQ(RunJob(TwoTexts("b"), engine).status().code(), absl::StatusCode::kNotFound);
  engine.output_status = absl::InternalError("not a finite number");
  EXPECT_THAT(std::string(RunJob(TwoTexts("a"), engine).status().message()), HasSubstr("finite"));
}

}  // namespace
}  // namespace fathom::bench
