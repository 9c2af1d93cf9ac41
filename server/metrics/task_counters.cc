#include "server/metrics/task_counters.h"

#include "absl/status/status.h"

namespace fathom {
namespace {

constexpr int kCodes = 17;

std::vector<std::string> DepthLabels(int layers) {
  std::vector<std::string> labels;
  for (int n = 0; n <= layers; ++n) labels.push_back(std::to_string(n));
  return labels;
}

}  // namespace

std::vector<std::string> StatusCodeLabels() {
  std::vector<std::string> labels;
  for (int code = 0; code < kCodes; ++code) {
    labels.push_back(absl::StatusCodeToString(static_cast<absl::StatusCode>(code)));
  }
  return labels;
}

TaskCounterTable::TaskCounterTable(MetricFamilies* families, TaskLabels* labels, int layers)
    : families_(families),
      labels_(labels),
      depths_(DepthLabels(layers)),
      other_(Make(TaskLabels::kOther)) {}

std::unique_ptr<TaskCounters> TaskCounterTable::Make(const std::string& label) const {
  const prometheus::Labels labels = {{"task", label}};
  return std::unique_ptr<TaskCounters>(
      new TaskCounters{CounterRow(&families_->requests, labels, "code", StatusCodeLabels()),
                       CounterRow(&families_->skip_layers_chosen, labels, "skip_layers", depths_)});
}

TaskCounters& TaskCounterTable::Find(const std::string& name) {
  const absl::ReaderMutexLock lock(&mutex_);
  const auto it = own_.find(name);
  return it == own_.end() ? *other_ : *it->second;
}

TaskCounters& TaskCounterTable::FindLoaded(const std::string& name) {
  TaskCounters& found = Find(name);
  if (&found != other_.get() || !labels_->Admit(name)) return found;
  const absl::MutexLock lock(&mutex_);
  std::unique_ptr<TaskCounters>& own = own_[name];
  if (own == nullptr) own = Make(name);
  return *own;
}

}  // namespace fathom
