#include "server/metrics/cache_metrics.h"

#include <string>

namespace fathom {
namespace {

using prometheus::MetricFamily;
using prometheus::MetricType;

MetricFamily Family(std::string name, std::string help, MetricType type, int64_t value) {
  prometheus::ClientMetric metric;
  const auto number = static_cast<double>(value);
  (type == MetricType::Counter ? metric.counter.value : metric.gauge.value) = number;
  return {.name = std::move(name), .help = std::move(help), .type = type, .metric = {metric}};
}

// `prefix` is such as "fathom_tap_cache", `entry` says what one entry is of.
void AddFamilies(const std::string& prefix, const std::string& entry, const CacheCounts& counts,
                 std::vector<MetricFamily>& families) {
  const auto counter = [&](const std::string& name, const std::string& help, int64_t value) {
    families.push_back(Family(prefix + "_" + name + "_total", help, MetricType::Counter, value));
  };
  const auto gauge = [&](const std::string& name, const std::string& help, int64_t value) {
    families.push_back(Family(prefix + "_" + name, help, MetricType::Gauge, value));
  };
  counter("hits", "Each " + entry + " that the cache helped.", counts.hits);
  counter("misses", "Each " + entry + " that the cache had nothing of use for.", counts.misses);
  counter("evictions", "Entries dropped to make room for others.", counts.evictions);
  counter("refused", "Entries too large to be kept.", counts.refused);
  gauge("entries", "Entries held, one a " + entry + ".", counts.entries);
  gauge("bytes", "Bytes held, keys and bookkeeping included.", counts.bytes);
}

}  // namespace

std::vector<MetricFamily> CacheMetrics::Collect() const {
  const CacheReport report = engine_->cache_report();
  std::vector<MetricFamily> families;
  AddFamilies("fathom_tap_cache", "text", report.taps, families);
  AddFamilies("fathom_answer_cache", "(text, task, n)", report.answers, families);
  AddFamilies("fathom_adapter_cache", "task", report.weights, families);
  return families;
}

}  // namespace fathom
