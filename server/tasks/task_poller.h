// TaskPoller: looks at the tasks' folder from time to time, so that a task that is put there is
// served without a call.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "runtime/engine.h"

namespace fathom {

class TaskPoller {
 public:
  // Calls ScanTasks each `interval`, counted from the end of one look to the beginning of the next,
  // on a thread of its own, and logs what changed. An error is logged when it first comes and when
  // it goes. `engine` must outlive the poller. REQUIRES: interval > 0.
  TaskPoller(Engine* engine, std::chrono::milliseconds interval);

  // Waits for a look that is under way, not for the interval.
  ~TaskPoller();
  TaskPoller(const TaskPoller&) = delete;
  TaskPoller& operator=(const TaskPoller&) = delete;

 private:
  void Run();
  void Scan();

  Engine* const engine_;
  const std::chrono::milliseconds interval_;
  absl::Status last_;  // of the last look; of the thread alone

  std::mutex mutex_;
  std::condition_variable stop_;
  bool stopped_ = false;  // guarded by mutex_

  std::thread thread_;  // last: it uses the members above
};

}  // namespace fathom
