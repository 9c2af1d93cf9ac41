#include "server/tasks/task_poller.h"

#include <spdlog/spdlog.h>

#include "server/tasks/scan_log.h"

namespace fathom {

TaskPoller::TaskPoller(Engine* engine, std::chrono::milliseconds interval)
    : engine_(engine), interval_(interval), thread_([this] { Run(); }) {}

TaskPoller::~TaskPoller() {
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  stop_.notify_all();
  thread_.join();
}

void TaskPoller::Run() {
  std::unique_lock lock(mutex_);
  while (!stop_.wait_for(lock, interval_, [this] { return stopped_; })) {
    lock.unlock();
    Scan();
    lock.lock();
  }
}

void TaskPoller::Scan() {
  const absl::StatusOr<ScanReport> report = engine_->ScanTasks();
  if (report.ok()) LogScan(*report);
  if (report.status() == last_) return;
  last_ = report.status();
  if (last_.ok()) {
    spdlog::info("the tasks' folder can be seen again");
  } else {
    spdlog::error("cannot look at the tasks' folder; what is loaded goes on: {}", last_.ToString());
  }
}

}  // namespace fathom
