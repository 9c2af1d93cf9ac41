#include "server/metrics/metrics.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace fathom {
namespace {

constexpr double kMsPerSecond = 1000;

std::vector<std::string> RejectionLabels() {
  std::vector<std::string> labels;
  for (int i = 0; i < kRejections; ++i) {
    labels.emplace_back(RejectionName(static_cast<Rejection>(i)));
  }
  return labels;
}

// By DepthReason.
std::vector<std::string> ReasonLabels() {
  return {"exact", "latency_budget", "min_quality", "task_default", "brownout", "drift_guard"};
}

// 0 without a limit.
double Share(double value, double limit) { return limit > 0 ? value / limit : 0; }

}  // namespace

Metrics::Metrics(const MetricsOptions& options, const EncoderInfo& encoder,
                 const std::vector<TaskInfo>& tasks)
    : registry_(std::make_shared<prometheus::Registry>()),
      families_(*registry_),
      limits_(options.limits),
      tokenize_duration_(families_.tokenize_duration.Add({}, DurationBuckets())),
      queue_duration_(families_.queue_duration.Add({}, DurationBuckets())),
      compute_duration_(families_.compute_duration.Add({}, DurationBuckets())),
      trunk_duration_(families_.trunk_duration.Add({}, DurationBuckets())),
      branches_duration_(families_.branches_duration.Add({}, DurationBuckets())),
      heads_duration_(families_.heads_duration.Add({}, DurationBuckets())),
      pass_duration_(families_.pass_duration.Add({}, DurationBuckets())),
      abandoned_passes_(families_.abandoned_passes.Add({})),
      batch_rows_(families_.batch_rows.Add({}, RowBuckets())),
      batch_texts_(families_.batch_texts.Add({}, TextBuckets())),
      row_layers_run_(families_.row_layers_run.Add({})),
      row_layers_shared_(families_.row_layers_shared.Add({})),
      row_layers_cached_(families_.row_layers_cached.Add({})),
      row_layers_skipped_(families_.row_layers_skipped.Add({})),
      deduplicated_items_(families_.deduplicated_items.Add({})),
      cost_model_error_(families_.cost_model_error.Add({}, ErrorBuckets())),
      expected_quality_(families_.expected_quality.Add({}, QualityBuckets())),
      queue_requests_(families_.queue_requests.Add({})),
      queue_tokens_(families_.queue_tokens.Add({})),
      queue_seconds_(families_.queue_seconds.Add({})),
      queue_utilization_(families_.queue_utilization.Add({})),
      labels_(static_cast<size_t>(std::max(options.max_tasks, 0))),
      by_task_(&families_, &labels_, encoder.layers),
      no_task_(&families_.requests, {{"task", "none"}}, "code", StatusCodeLabels()),
      by_reason_(&families_.depth_reasons, {}, "reason", ReasonLabels()),
      rejections_(&families_.rejections, {}, "reason", RejectionLabels()) {
  by_reason_.CreateAll();
  rejections_.CreateAll();
  for (const TaskInfo& task : tasks) {
    if (task.load_status.ok()) by_task_.FindLoaded(task.name);
  }
  families_.workers.Add({}).Set(options.concurrency.passes);
  families_.build_info
      .Add({{"version", options.version},
            {"encoder", encoder.name},
            {"encoder_fingerprint", encoder.fingerprint},
            {"device", encoder.device},
            {"precision", encoder.precision}})
      .Set(1);
}

Metrics::~Metrics() = default;

void Metrics::ObserveCall(const CallObservation& call) {
  const auto code = static_cast<size_t>(call.code);
  prometheus::Histogram* duration = request_duration_[code].load(std::memory_order_acquire);
  if (duration == nullptr) {
    duration = &families_.request_duration.Add({{"code", absl::StatusCodeToString(call.code)}},
                                               DurationBuckets());
    request_duration_[code].store(duration, std::memory_order_release);
  }
  duration->Observe(absl::ToDoubleSeconds(call.total));

  if (call.tokenize) tokenize_duration_.Observe(absl::ToDoubleSeconds(*call.tokenize));
  if (call.queue) queue_duration_.Observe(absl::ToDoubleSeconds(*call.queue));
  if (call.compute) compute_duration_.Observe(absl::ToDoubleSeconds(*call.compute));

  if (call.tasks.empty()) no_task_.Increment(code);
  for (const CallObservation::Task& task : call.tasks) {
    by_task_.Find(task.name).by_code.Increment(static_cast<size_t>(task.code));
  }
}

void Metrics::OnQueue(const QueueLength& length) {
  const auto requests = static_cast<double>(length.requests);
  const auto rows = static_cast<double>(length.rows);
  queue_requests_.Set(requests);
  queue_tokens_.Set(rows);
  queue_seconds_.Set(length.ms / kMsPerSecond);
  queue_utilization_.Set(std::max({Share(requests, static_cast<double>(limits_.max_queue_requests)),
                                   Share(rows, static_cast<double>(limits_.max_queue_rows)),
                                   Share(length.ms, limits_.max_queue_ms)}));
}

void Metrics::OnPass(const PassReport& report) {
  batch_rows_.Observe(static_cast<double>(report.rows));
  batch_texts_.Observe(static_cast<double>(report.texts));
  row_layers_run_.Increment(report.work.row_layers_run);
  row_layers_shared_.Increment(report.work.row_layers_shared);
  row_layers_cached_.Increment(report.work.row_layers_cached);
  row_layers_skipped_.Increment(report.work.row_layers_skipped);
  deduplicated_items_.Increment(static_cast<double>(report.deduplicated_items));
  trunk_duration_.Observe(report.times.trunk_ms / kMsPerSecond);
  branches_duration_.Observe(report.times.branches_ms / kMsPerSecond);
  heads_duration_.Observe(report.times.heads_ms / kMsPerSecond);
  pass_duration_.Observe(report.actual_ms / kMsPerSecond);
  if (report.predicted_ms > 0 && report.actual_ms > 0) {
    cost_model_error_.Observe(std::abs(report.actual_ms - report.predicted_ms) / report.actual_ms);
  }
}

void Metrics::OnRejection(Rejection rejection) {
  rejections_.Increment(static_cast<size_t>(rejection));
}

void Metrics::OnDepths(absl::Span<const ScheduledText> texts,
                       absl::Span<const std::vector<ChosenDepth>> depths) {
  for (size_t i = 0; i < std::min(texts.size(), depths.size()); ++i) {
    const std::vector<ScheduledTask>& tasks = texts[i].tasks;
    for (size_t t = 0; t < std::min(tasks.size(), depths[i].size()); ++t) {
      if (tasks[t].task != nullptr) ObserveDepth(tasks[t].task->info(), depths[i][t]);
    }
  }
}

void Metrics::ObserveDepth(const TaskInfo& task, const ChosenDepth& depth) {
  by_reason_.Increment(static_cast<size_t>(depth.reason));
  by_task_.FindLoaded(task.name).by_skip_layers.Increment(static_cast<size_t>(depth.skip_layers));
  if (!task.profile) return;
  const DepthPoint* const at_zero = task.profile->Find(0);
  const DepthPoint* const at_n = task.profile->Find(depth.skip_layers);
  if (at_zero == nullptr || at_n == nullptr || at_zero->score <= 0) return;
  expected_quality_.Observe(at_n->score / at_zero->score);
}

}  // namespace fathom
