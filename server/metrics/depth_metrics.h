// DepthMetrics: how far n is raised, and how answers at a risen n agree with those at n = 0; read
// from who chooses n whenever it is scraped.
#pragma once

#include <prometheus/collectable.h>
#include <prometheus/metric_family.h>

#include <vector>

#include "runtime/engine.h"
#include "server/depth/server_depth_chooser.h"
#include "server/metrics/task_labels.h"

namespace fathom {

// The families of what `report` says. The expected agreement is that of the profiles of `engine`'s
// tasks; a version that is gone is left out.
std::vector<prometheus::MetricFamily> DepthFamilies(const DepthReport& report, const Engine& engine,
                                                    const TaskLabels& labels);

// Thread-safe.
class DepthMetrics : public prometheus::Collectable {
 public:
  // All must outlive the collectable.
  DepthMetrics(const ServerDepthChooser* depths, const Engine* engine, const TaskLabels* labels)
      : depths_(depths), engine_(engine), labels_(labels) {}

  std::vector<prometheus::MetricFamily> Collect() const override {
    return DepthFamilies(depths_->report(), *engine_, *labels_);
  }

 private:
  const ServerDepthChooser* const depths_;
  const Engine* const engine_;
  const TaskLabels* const labels_;
};

}  // namespace fathom
