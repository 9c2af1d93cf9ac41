// Metrics: what the server counts and measures. Thread-safe; the hot paths touch counters that
// exist already.
#pragma once

#include <prometheus/registry.h>

#include <array>
#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "runtime/engine.h"
#include "server/metrics/counter_row.h"
#include "server/metrics/families.h"
#include "server/metrics/options.h"
#include "server/metrics/task_counters.h"
#include "server/metrics/task_labels.h"
#include "server/schedule/observer.h"

namespace fathom {

// One Predict, one of a stream, or one Embed, at its end.
struct CallObservation {
  struct Task {
    std::string name;  // as the client wrote it
    absl::StatusCode code = absl::StatusCode::kOk;
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
  // Labels by task are bounded: the first options.max_tasks names, of `tasks` that are loaded and
  // then of those that are answered, and "other".
  Metrics(const MetricsOptions& options, const EncoderInfo& encoder,
          const std::vector<TaskInfo>& tasks);
  ~Metrics() override;

  void ObserveCall(const CallObservation& call);
  void OnQueue(const QueueLength& length) override;
  void OnPass(const PassReport& report) override;
  void OnRejection(Rejection rejection) override;
  void OnDepths(absl::Span<const ScheduledText> texts,
                absl::Span<const std::vector<ChosenDepth>> depths) override;
  void OnAbandonedPass() override { abandoned_passes_.Increment(); }

  // For the endpoint that exports it.
  const std::shared_ptr<prometheus::Registry>& registry() const { return registry_; }

  // Which tasks have labels of their own.
  const TaskLabels& task_labels() const { return labels_; }

 private:
  static constexpr size_t kCodes = 17;  // canonical status codes, 0 … 16

  void ObserveDepth(const TaskInfo& task, const ChosenDepth& depth);

  const std::shared_ptr<prometheus::Registry> registry_;
  MetricFamilies families_;
  const SchedulerOptions limits_;

  std::array<std::atomic<prometheus::Histogram*>, kCodes> request_duration_ = {};
  prometheus::Histogram& tokenize_duration_;
  prometheus::Histogram& queue_duration_;
  prometheus::Histogram& compute_duration_;
  prometheus::Histogram& trunk_duration_;
  prometheus::Histogram& branches_duration_;
  prometheus::Histogram& heads_duration_;
  prometheus::Histogram& pass_duration_;
  prometheus::Counter& abandoned_passes_;
  prometheus::Histogram& batch_rows_;
  prometheus::Histogram& batch_texts_;
  prometheus::Counter& row_layers_run_;
  prometheus::Counter& row_layers_shared_;
  prometheus::Counter& row_layers_cached_;
  prometheus::Counter& row_layers_skipped_;
  prometheus::Counter& deduplicated_items_;
  prometheus::Histogram& cost_model_error_;
  prometheus::Histogram& expected_quality_;
  prometheus::Gauge& queue_requests_;
  prometheus::Gauge& queue_tokens_;
  prometheus::Gauge& queue_seconds_;
  prometheus::Gauge& queue_utilization_;

  TaskLabels labels_;
  TaskCounterTable by_task_;
  CounterRow no_task_;
  CounterRow by_reason_;
  CounterRow rejections_;
};

}  // namespace fathom
