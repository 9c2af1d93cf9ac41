// TaskCounters: what is counted by task.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "server/metrics/counter_row.h"
#include "server/metrics/families.h"
#include "server/metrics/task_labels.h"

namespace fathom {

struct TaskCounters {
  CounterRow by_code;         // fathom_requests_total, by absl::StatusCode
  CounterRow by_skip_layers;  // fathom_skip_layers_chosen_total, by n
};

std::vector<std::string> StatusCodeLabels();  // by absl::StatusCode, 0 … 16

// Thread-safe. What it hands out lives as long as the table.
class TaskCounterTable {
 public:
  // `families` and `labels` must outlive the table.
  TaskCounterTable(MetricFamilies* families, TaskLabels* labels, int layers);

  // For a name that a client wrote: the task's own counters if it has them, else those of "other".
  TaskCounters& Find(const std::string& name);

  // The same for a task that is loaded, which gets its own as long as there are labels.
  TaskCounters& FindLoaded(const std::string& name);

 private:
  std::unique_ptr<TaskCounters> Make(const std::string& label) const;

  MetricFamilies* const families_;
  TaskLabels* const labels_;
  const std::vector<std::string> depths_;
  const std::unique_ptr<TaskCounters> other_;

  absl::Mutex mutex_;
  std::map<std::string, std::unique_ptr<TaskCounters>> own_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace fathom
