// MetricsOptions: what the metrics must know of the server.
#pragma once

#include <string>

#include "runtime/engine.h"
#include "server/schedule/options.h"

namespace fathom {

struct MetricsOptions {
  std::string version = "unknown";
  int max_tasks = 100;           // names of tasks that become labels
  SchedulerOptions limits = {};  // of the queue, whose use is shown as a share
  Concurrency concurrency = {};
};

}  // namespace fathom
