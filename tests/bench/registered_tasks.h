// RegisteredTasks: task folders on disk, opened as a server opens them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <vector>

#include "runtime/model/encoder.h"
#include "runtime/pass_runner.h"
#include "runtime/task/task_store.h"
#include "tests/bench/case_runner.h"

namespace fathom::bench {

struct RegisteredOptions {
  int registered = 1;
  int hot = 1;         // evenly spread over the registered ones, each with weights of its own
  int bottleneck = 1;  // D of the random Pfeiffer adapters
};

// Folders of tasks that are not hot are hard links to those of the hot ones: they cost no disk, and
// registering one costs what any costs. All are in a temporary folder, which is removed at the end.
class RegisteredTasks : public CaseRunner {
 public:
  // Ends the process where a folder cannot be written or opened.
  RegisteredTasks(const std::shared_ptr<const Encoder>& encoder, const RegisteredOptions& options);
  ~RegisteredTasks() override;
  RegisteredTasks(const RegisteredTasks&) = delete;
  RegisteredTasks& operator=(const RegisteredTasks&) = delete;

  const std::vector<std::shared_ptr<const LoadedTask>>& hot() const { return hot_; }

  // Without caches of taps and answers: every pass pins its tasks' weights and runs all layers.
  void Run(absl::Span<const PassText> request) override;
  const PassPlan& plan() const override { return runner_.plan(); }

  double open_seconds() const { return open_seconds_; }
  int64_t open_bytes() const { return open_bytes_; }  // heap memory that opening took
  const WeightCache& weights() const { return *weights_; }

 private:
  void WriteFolders(const EncoderConfig& config, const RegisteredOptions& options) const;
  void Open(const Encoder& encoder, const RegisteredOptions& options);

  const std::filesystem::path folder_;
  const std::shared_ptr<WeightCache> weights_;
  std::unique_ptr<const TaskStore> store_;
  std::vector<std::shared_ptr<const LoadedTask>> hot_;
  PassCaches caches_;
  PassRunner runner_;
  double open_seconds_ = 0;
  int64_t open_bytes_ = 0;
};

}  // namespace fathom::bench
