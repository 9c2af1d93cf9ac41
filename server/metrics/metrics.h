// Metrics: what the server counts and measures. Thread-safe; the hot paths touch counters that
// exist already.
#pragma once

#include <prometheus/registry.h>

#include <array>
#include <atomic>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "runtime/engine.h"
#include "server/metrics/counter_row.h"
#include "server/metrics/families.h"
#include "server/schedule/scheduler.h"

namespace fathom {

// One Predict, one of a stream, or one Embed, at its end.
struct CallObservation {
  struct Task {
    std::string name;  // as the client wrote it
    absl::StatusCode code = absl::StatusCode::kOk;
    std::optional<int> skip_layers;  // n, where answered
    int texts = 0;                   // answered at n
  };

  absl::StatusCode code = absl::StatusCode::kOk;  // what the client was told
  std::vector<Task> tasks;
  absl::Duration total;
  std::optional<absl::Duration> tokenize;  // these three where the stage was reached
  std::optional<absl::Duration> queue;
  std::optional<absl::Duration> compute;
};

class Metrics : public SchedulerObserver {
 public:
  // Task labels are bounded: the first kMaxTaskLabels names of `tasks` that are loaded, and
  // "other".
  static constexpr size_t kMaxTaskLabels = 100;

  Metrics(const std::string& version, const EncoderInfo& encoder,
          const std::vector<TaskInfo>& tasks);
  ~Metrics() override;

  void ObserveCall(const CallObservation& call);
  void OnQueue(const QueueLength& length) override;
  void OnPass(const PassReport& report) override;

  // For the endpoint that exports it.
  const std::shared_ptr<prometheus::Registry>& registry() const { return registry_; }

 private:
  static constexpr size_t kCodes = 17;  // canonical status codes, 0 … 16

  struct TaskCounters {
    CounterRow by_code;
    CounterRow by_skip_layers;
  };

  std::unique_ptr<TaskCounters> MakeTaskCounters(const std::string& task);
  TaskCounters& CountersOf(const std::string& task);

  const std::shared_ptr<prometheus::Registry> registry_;
  MetricFamilies families_;
  const int layers_;

  std::array<std::atomic<prometheus::Histogram*>, kCodes> request_duration_ = {};
  prometheus::Histogram& tokenize_duration_;
  prometheus::Histogram& queue_duration_;
  prometheus::Histogram& compute_duration_;
  prometheus::Histogram& batch_rows_;
  prometheus::Histogram& batch_texts_;
  prometheus::Counter& row_layers_run_;
  prometheus::Counter& row_layers_shared_;
  prometheus::Counter& row_layers_cached_;
  prometheus::Counter& row_layers_skipped_;
  prometheus::Counter& deduplicated_items_;
  prometheus::Histogram& cost_model_error_;
  prometheus::Gauge& queue_requests_;
  prometheus::Gauge& queue_rows_;

  std::map<std::string, std::unique_ptr<TaskCounters>> tasks_;  // fixed after construction
  std::unique_ptr<TaskCounters> other_;
  CounterRow no_task_;
};

}  // namespace fathom
