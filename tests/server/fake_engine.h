// FakeEngine: an Engine without a model, turned by hand. A test can hold Run at its door, see what
// each pass was given, and make a pass or a task fail. Its answers are a function of the text, the
// task and n alone, as a real engine's are. A pooled state is (tokens, n, PassOutput, -1).
#pragma once

#include <condition_variable>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "runtime/engine.h"

namespace fathom {

// What one call of Run was given.
struct SeenPass {
  struct Text {
    std::vector<int32_t> ids;
    std::vector<std::pair<std::string, int>> tasks;  // name (empty: the raw encoder), n
  };
  std::vector<Text> texts;
  int threads = 0;
};

class FakeEngine : public Engine {
 public:
  // 12 layers and at most 16 tokens; no tasks yet.
  explicit FakeEngine(Concurrency concurrency = {});

  // Before any other thread uses the engine. A task that is not ok is listed, and cannot be found.
  void AddTask(TaskInfo info);

  // Run waits at its door from now on, until Release. Behind the door it asks once whether it was
  // abandoned.
  void Hold();
  void Release();
  // Lets the `run`-th call of Run since the start, from 0, through its door.
  void ReleaseRun(int run);
  // Blocks until `count` calls of Run have come to the door since the start.
  void AwaitRuns(int count);

  // The next call of Run fails so.
  void FailNextRun(absl::Status status);
  // The next call of Run leaves out its last text.
  void ShortenNextRun();
  // From now on, what PredictMs says: so much, and more for each token of a (text, task), less with
  // each layer of n. Until then it predicts nothing.
  void SetCost(double fixed_ms, double row_ms);

  // From now on, the (text, task) results of `task` have this status, or these logits.
  void SetTaskStatus(const std::string& task, absl::Status status);
  void SetTaskLogits(const std::string& task, std::vector<float> logits);

  // In the order in which they came to the door.
  std::vector<SeenPass> passes() const;

  // The most threads that passes had together at any time.
  int most_threads() const;

  void SetCacheReport(const CacheReport& report);
  int cache_clears() const;

  const EncoderInfo& encoder() const override { return encoder_; }
  // One token a word, and two special ones.
  absl::StatusOr<TokenizedText> Tokenize(const TextInput& input,
                                         Truncation truncation) const override;
  absl::StatusOr<std::shared_ptr<const ServableTask>> FindTask(std::string_view name,
                                                               int version) const override;
  std::vector<TaskInfo> ListTasks() const override;
  absl::StatusOr<PassResult> Run(absl::Span<const PassText> texts,
                                 const RunOptions& options) override;
  TaskCounts task_counts() const override;
  absl::StatusOr<TaskInfo> LoadTask(std::string_view /*name*/, int /*version*/,
                                    const LoadTaskOptions& /*options*/) override {
    return absl::UnimplementedError("LoadTask");
  }
  absl::Status UnloadTask(std::string_view /*name*/, int /*version*/) override {
    return absl::UnimplementedError("UnloadTask");
  }
  absl::Status SetDefaultVersion(std::string_view /*name*/, int /*version*/) override {
    return absl::UnimplementedError("SetDefaultVersion");
  }
  absl::StatusOr<ScanReport> ScanTasks() override { return absl::UnimplementedError("ScanTasks"); }
  double PredictMs(absl::Span<const PassText> texts, int threads) const override;
  Concurrency concurrency() const override { return concurrency_; }
  const CalibrationReport& calibration() const override { return calibration_; }
  CacheReport cache_report() const override;
  void ClearCaches() override;

 private:
  void WaitAtDoor(SeenPass seen);
  TaskOutput Answer(const TokenizedText& text, const PassTask& task) const;

  const Concurrency concurrency_;
  const EncoderInfo encoder_;
  const CalibrationReport calibration_;
  std::map<std::pair<std::string, int>, std::shared_ptr<const ServableTask>> tasks_;

  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable door_;
  bool held_ = false;
  std::set<int> released_;  // runs
  absl::Status next_status_;
  bool shorten_next_ = false;
  std::map<std::string, absl::Status> task_status_;
  std::map<std::string, std::vector<float>> task_logits_;
  double fixed_ms_ = 0;
  double row_ms_ = 0;
  std::vector<SeenPass> passes_;
  int threads_ = 0;  // of the passes inside
  int most_threads_ = 0;
  CacheReport cache_report_;
  int cache_clears_ = 0;
};

// A classification task with a profile over all n of 12 layers, trained for 0 … 11.
TaskInfo ClassificationTask(const std::string& name, std::vector<std::string> labels);

// A regression task without a profile.
TaskInfo RegressionTask(const std::string& name);

// A task of one version without a profile, trained for n = 0.
TaskInfo TaskOfKind(const std::string& name, HeadKind head, std::vector<std::string> labels);

// A task that was refused at load.
TaskInfo RefusedTask(const std::string& name, absl::Status why);

}  // namespace fathom
