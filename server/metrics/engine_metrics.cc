#include "server/metrics/engine_metrics.h"

#include <string>

#include "server/metrics/scraped.h"

namespace fathom {
namespace {

using prometheus::MetricFamily;
using prometheus::MetricType;

void AddCounter(const std::string& name, const std::string& help, int64_t value,
                std::vector<MetricFamily>& families) {
  families.push_back(ScrapedFamily(name, help, MetricType::Counter));
  AddValue(families.back(), static_cast<double>(value));
}

void AddGauge(const std::string& name, const std::string& help, int64_t value,
              std::vector<MetricFamily>& families) {
  families.push_back(ScrapedFamily(name, help, MetricType::Gauge));
  AddValue(families.back(), static_cast<double>(value));
}

// `prefix` is such as "fathom_tap_cache", `entry` says what one entry is of.
void AddCache(const std::string& prefix, const std::string& entry, const CacheCounts& counts,
              std::vector<MetricFamily>& families) {
  AddCounter(prefix + "_hits_total", "Each " + entry + " that the cache helped.", counts.hits,
             families);
  AddCounter(prefix + "_misses_total", "Each " + entry + " that the cache had nothing of use for.",
             counts.misses, families);
  AddCounter(prefix + "_evictions_total", "Entries dropped to make room for others.",
             counts.evictions, families);
  AddCounter(prefix + "_refused_total", "Entries too large to be kept.", counts.refused, families);
  AddGauge(prefix + "_entries", "Entries held, one a " + entry + ".", counts.entries, families);
  AddGauge(prefix + "_bytes", "Bytes held, keys and bookkeeping included.", counts.bytes, families);
}

void AddTasks(const TaskCounts& counts, std::vector<MetricFamily>& families) {
  AddGauge("fathom_tasks_loaded", "Task versions that can be asked for.", counts.loaded, families);
  AddGauge("fathom_tasks_refused", "Task versions whose files are there and cannot be served.",
           counts.refused, families);
  AddCounter("fathom_task_loads_total", "Task versions that were loaded.", counts.loads, families);
  AddCounter("fathom_task_load_failures_total", "Task versions that were refused at load.",
             counts.load_failures, families);
}

}  // namespace

std::vector<MetricFamily> EngineMetrics::Collect() const {
  const CacheReport report = engine_->cache_report();
  std::vector<MetricFamily> families;
  AddCache("fathom_tap_cache", "text", report.taps, families);
  AddCache("fathom_answer_cache", "(text, task, n)", report.answers, families);
  AddCache("fathom_adapter_cache", "task", report.weights, families);
  AddTasks(engine_->task_counts(), families);
  return families;
}

}  // namespace fathom
