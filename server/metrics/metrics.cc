#include "server/metrics/metrics.h"

#include <cmath>
#include <utility>

namespace fathom {
namespace {

std::vector<std::string> CodeNames(size_t count) {
  std::vector<std::string> names;
  for (size_t code = 0; code < count; ++code) {
    names.push_back(absl::StatusCodeToString(static_cast<absl::StatusCode>(code)));
  }
  return names;
}

std::vector<std::string> DepthNames(int layers) {
  std::vector<std::string> names;
  for (int n = 0; n <= layers; ++n) names.push_back(std::to_string(n));
  return names;
}

}  // namespace

Metrics::Metrics(const std::string& version, const EncoderInfo& encoder,
                 const std::vector<TaskInfo>& tasks)
    : registry_(std::make_shared<prometheus::Registry>()),
      families_(*registry_),
      layers_(encoder.layers),
      tokenize_duration_(families_.tokenize_duration.Add({}, DurationBuckets())),
      queue_duration_(families_.queue_duration.Add({}, DurationBuckets())),
      compute_duration_(families_.compute_duration.Add({}, DurationBuckets())),
      batch_rows_(families_.batch_rows.Add({}, RowBuckets())),
      batch_texts_(families_.batch_texts.Add({}, TextBuckets())),
      row_layers_run_(families_.row_layers_run.Add({})),
      row_layers_shared_(families_.row_layers_shared.Add({})),
      row_layers_cached_(families_.row_layers_cached.Add({})),
      row_layers_skipped_(families_.row_layers_skipped.Add({})),
      deduplicated_items_(families_.deduplicated_items.Add({})),
      cost_model_error_(families_.cost_model_error.Add({}, ErrorBuckets())),
      queue_requests_(families_.queue_requests.Add({})),
      queue_rows_(families_.queue_rows.Add({})),
      other_(MakeTaskCounters("other")),
      no_task_(&families_.requests, {{"task", "none"}}, "code", CodeNames(kCodes)) {
  prometheus::Gauge& loaded = families_.tasks_loaded.Add({});
  prometheus::Counter& failures = families_.task_load_failures.Add({});
  for (const TaskInfo& task : tasks) {
    if (!task.load_status.ok()) {
      failures.Increment();
      continue;
    }
    loaded.Increment();
    if (tasks_.size() < kMaxTaskLabels) tasks_.try_emplace(task.name, MakeTaskCounters(task.name));
  }
  families_.build_info
      .Add({{"version", version},
            {"encoder", encoder.name},
            {"encoder_fingerprint", encoder.fingerprint},
            {"device", encoder.device},
            {"precision", encoder.precision}})
      .Set(1);
}

Metrics::~Metrics() = default;

std::unique_ptr<Metrics::TaskCounters> Metrics::MakeTaskCounters(const std::string& task) {
  const prometheus::Labels labels = {{"task", task}};
  return std::unique_ptr<TaskCounters>(new TaskCounters{
      CounterRow(&families_.requests, labels, "code", CodeNames(kCodes)),
      CounterRow(&families_.skip_layers_chosen, labels, "skip_layers", DepthNames(layers_))});
}

Metrics::TaskCounters& Metrics::CountersOf(const std::string& task) {
  const auto it = tasks_.find(task);
  return it == tasks_.end() ? *other_ : *it->second;
}

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
    TaskCounters& counters = CountersOf(task.name);
    counters.by_code.Increment(static_cast<size_t>(task.code));
    if (task.skip_layers) {
      counters.by_skip_layers.Increment(static_cast<size_t>(*task.skip_layers), task.texts);
    }
  }
}

void Metrics::OnQueue(const QueueLength& length) {
  queue_requests_.Set(static_cast<double>(length.requests));
  queue_rows_.Set(static_cast<double>(length.rows));
}

void Metrics::OnPass(const PassReport& report) {
  batch_rows_.Observe(static_cast<double>(report.rows));
  batch_texts_.Observe(static_cast<double>(report.texts));
  row_layers_run_.Increment(report.work.row_layers_run);
  row_layers_shared_.Increment(report.work.row_layers_shared);
  row_layers_cached_.Increment(report.work.row_layers_cached);
  row_layers_skipped_.Increment(report.work.row_layers_skipped);
  deduplicated_items_.Increment(static_cast<double>(report.deduplicated_items));
  if (report.predicted_ms > 0 && report.actual_ms > 0) {
    cost_model_error_.Observe(std::abs(report.actual_ms - report.predicted_ms) / report.actual_ms);
  }
}

}  // namespace fathom
