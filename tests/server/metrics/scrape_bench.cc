// How long a scrape takes with 10,000 tasks, 100 of them with labels of their own: each has been
// answered with four statuses and at every n, and all tasks have been compared with n = 0.
#include <benchmark/benchmark.h>
#include <prometheus/text_serializer.h>

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "server/metrics/depth_metrics.h"
#include "server/metrics/engine_metrics.h"
#include "server/metrics/metrics.h"
#include "tests/server/fake_engine.h"

namespace fathom {
namespace {

constexpr int kTasks = 10'000;

TaskInfo Task(int i) {
  TaskInfo task = ClassificationTask("task" + std::to_string(kTasks + i), {"bad", "good"});
  for (DepthPoint& point : task.profile->points) point.agreement = 0.95;
  return task;
}

// Finds a task as quickly as a real engine does.
class ManyTasks : public FakeEngine {
 public:
  void Add(const TaskInfo& task) {
    AddTask(task);
    tasks_[task.name] = std::make_shared<ServableTask>(task);
  }
  absl::StatusOr<std::shared_ptr<const ServableTask>> FindTask(std::string_view name,
                                                               int /*version*/) const override {
    return tasks_.at(std::string(name));
  }

 private:
  std::unordered_map<std::string, std::shared_ptr<const ServableTask>> tasks_;
};

void CountEverything(const Engine& engine, const std::vector<TaskInfo>& tasks, Metrics& metrics) {
  for (const TaskInfo& task : tasks) {
    for (const absl::StatusCode code :
         {absl::StatusCode::kOk, absl::StatusCode::kInvalidArgument,
          absl::StatusCode::kResourceExhausted, absl::StatusCode::kDeadlineExceeded}) {
      CallObservation call{.code = code, .total = absl::Milliseconds(3)};
      call.tasks.push_back({.name = task.name, .code = code});
      metrics.ObserveCall(call);
    }
    ScheduledText text;
    std::vector<ChosenDepth> depths;
    for (int n = 0; n <= engine.encoder().layers; ++n) {
      text.tasks.push_back({.task = *engine.FindTask(task.name, task.version)});
      depths.push_back({.skip_layers = n});
    }
    metrics.OnDepths({text}, {depths});
  }
}

DepthReport CompareAll(const std::vector<TaskInfo>& tasks) {
  DepthReport report;
  for (const TaskInfo& task : tasks) {
    TaskAgreement& agreement = report.agreements.emplace_back();
    agreement.task = task.name;
    agreement.version = task.version;
    for (int n = 1; n < 12; ++n) {
      agreement.depths.push_back({.skip_layers = n, .samples = 10, .agreed = 9});
    }
  }
  return report;
}

void BM_Scrape(benchmark::State& state) {
  ManyTasks engine;
  std::vector<TaskInfo> tasks;
  for (int i = 0; i < kTasks; ++i) {
    tasks.push_back(Task(i));
    engine.Add(tasks.back());
  }
  Metrics metrics({}, engine.encoder(), tasks);
  const EngineMetrics engine_metrics(&engine);
  CountEverything(engine, tasks, metrics);
  const DepthReport report = CompareAll(tasks);

  size_t bytes = 0;
  for (auto _ : state) {
    std::vector<prometheus::MetricFamily> families = metrics.registry()->Collect();
    for (auto& family : engine_metrics.Collect()) families.push_back(std::move(family));
    for (auto& family : DepthFamilies(report, engine, metrics.task_labels())) {
      families.push_back(std::move(family));
    }
    bytes = prometheus::TextSerializer().Serialize(families).size();
  }
  state.counters["bytes"] = static_cast<double>(bytes);
}
BENCHMARK(BM_Scrape)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace fathom

BENCHMARK_MAIN();
