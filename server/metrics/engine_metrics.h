// EngineMetrics: what the engine's caches and tasks did and hold, read from the engine whenever it
// is scraped. The engine keeps the counts, so none of them is counted twice.
#pragma once

#include <prometheus/collectable.h>
#include <prometheus/metric_family.h>

#include <vector>

#include "runtime/engine.h"

namespace fathom {

// fathom_tap_cache_*, fathom_answer_cache_* and fathom_adapter_cache_* (weights of tasks):
// {hits,misses,evictions,refused}_total, entries and bytes. fathom_tasks_{loaded,refused} and
// fathom_task_{loads,load_failures}_total. Thread-safe.
class EngineMetrics : public prometheus::Collectable {
 public:
  // `engine` must outlive the collectable.
  explicit EngineMetrics(const Engine* engine) : engine_(engine) {}

  std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  const Engine* const engine_;
};

}  // namespace fathom
