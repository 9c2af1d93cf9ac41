// Metric families that are made when they are scraped, of counts that somebody else keeps.
#pragma once

#include <prometheus/metric_family.h>

#include <string>
#include <utility>
#include <vector>

namespace fathom {

inline prometheus::MetricFamily ScrapedFamily(std::string name, std::string help,
                                              prometheus::MetricType type) {
  return {.name = std::move(name), .help = std::move(help), .type = type, .metric = {}};
}

// To a counter or a gauge.
inline void AddValue(prometheus::MetricFamily& family, double value,
                     std::vector<prometheus::ClientMetric::Label> labels = {}) {
  prometheus::ClientMetric& metric = family.metric.emplace_back();
  metric.label = std::move(labels);
  if (family.type == prometheus::MetricType::Counter) {
    metric.counter.value = value;
  } else {
    metric.gauge.value = value;
  }
}

}  // namespace fathom
