// AdminThread: does one thing after another, away from gRPC's threads.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

#include "absl/status/status.h"

namespace fathom {

// Any thread.
class AdminThread {
 public:
  AdminThread() : thread_([this] { Run(); }) {}

  // Does what waits, and ends.
  ~AdminThread();
  AdminThread(const AdminThread&) = delete;
  AdminThread& operator=(const AdminThread&) = delete;

  // `work` will be called once. RESOURCE_EXHAUSTED: too much waits, and it will not.
  absl::Status Post(std::function<void()> work);

 private:
  void Run();

  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::deque<std::function<void()>> waiting_;
  bool ending_ = false;

  std::thread thread_;  // last: it uses the members above
};

}  // namespace fathom
