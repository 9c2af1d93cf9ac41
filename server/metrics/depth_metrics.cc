#include "server/metrics/depth_metrics.h"

#include <map>
#include <string>
#include <utility>

#include "server/metrics/scraped.h"

namespace fathom {
namespace {

using prometheus::MetricFamily;
using prometheus::MetricType;

struct Shadows {
  double samples = 0;
  double agreed = 0;
  double expected = 0;
};

using ShadowsByLabel = std::map<std::pair<std::string, int>, Shadows>;  // task label, n

void AddTask(const TaskAgreement& task, const Engine& engine, const std::string& label,
             ShadowsByLabel& shadows) {
  const auto servable = engine.FindTask(task.task, task.version);
  if (!servable.ok() || !(*servable)->info().profile) return;
  for (const DriftGuard::Agreement& depth : task.depths) {
    const DepthPoint* const point = (*servable)->info().profile->Find(depth.skip_layers);
    if (point == nullptr || !point->agreement) continue;
    Shadows& sum = shadows[{label, depth.skip_layers}];
    sum.samples += static_cast<double>(depth.samples);
    sum.agreed += depth.agreed;
    sum.expected += static_cast<double>(depth.samples) * *point->agreement;
  }
}

void AddShadows(const ShadowsByLabel& shadows, std::vector<MetricFamily>& families) {
  MetricFamily samples =
      ScrapedFamily("fathom_shadow_samples_total",
                    "Answers at a risen n that were compared with n = 0.", MetricType::Counter);
  MetricFamily agreed = ScrapedFamily("fathom_shadow_agreed_total",
                                      "Of those, the ones that said the same as n = 0; one that "
                                      "agrees in part counts as that part.",
                                      MetricType::Counter);
  MetricFamily expected =
      ScrapedFamily("fathom_shadow_expected_total",
                    "How many of them would agree by the tasks' profiles.", MetricType::Counter);
  for (const auto& [key, sum] : shadows) {
    const std::vector<prometheus::ClientMetric::Label> labels = {
        {.name = "task", .value = key.first},
        {.name = "skip_layers", .value = std::to_string(key.second)}};
    AddValue(samples, sum.samples, labels);
    AddValue(agreed, sum.agreed, labels);
    AddValue(expected, sum.expected, labels);
  }
  for (MetricFamily* family : {&samples, &agreed, &expected}) {
    families.push_back(std::move(*family));
  }
}

}  // namespace

std::vector<MetricFamily> DepthFamilies(const DepthReport& report, const Engine& engine,
                                        const TaskLabels& labels) {
  std::vector<MetricFamily> families;
  families.push_back(ScrapedFamily("fathom_brownout_steps",
                                   "Layers by which brown-out may raise n now; 0: no brown-out.",
                                   MetricType::Gauge));
  AddValue(families.back(), report.brownout_steps);

  int tripped = 0;
  ShadowsByLabel shadows;
  for (const TaskAgreement& task : report.agreements) {
    tripped += task.tripped ? 1 : 0;
    AddTask(task, engine, labels.LabelOf(task.task), shadows);
  }
  families.push_back(ScrapedFamily("fathom_drift_guards_tripped",
                                   "Task versions whose n is held at its default because answers "
                                   "agreed less with n = 0 than their profile says.",
                                   MetricType::Gauge));
  AddValue(families.back(), tripped);
  AddShadows(shadows, families);
  return families;
}

}  // namespace fathom
