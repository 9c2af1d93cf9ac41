// WorkerThreads: threads that share the items of a job, kept for many jobs.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

#include "absl/functional/function_ref.h"

namespace fathom::training {

// LibTorch's threads belong to the thread that calls it: each worker has `threads_each` of its own,
// so tensor work of different items runs side by side.
class WorkerThreads {
 public:
  WorkerThreads(int workers, int threads_each);
  ~WorkerThreads();

  using Job = absl::FunctionRef<void(int worker, size_t item)>;

  // Calls `job` for each item 0 … items − 1 and returns when all are done. Which worker has which
  // item depends on timing. The first exception, by item, is thrown again here. One caller at a
  // time.
  void ForEach(size_t items, Job job);

 private:
  void Work(int worker, int threads);

  std::mutex mutex_;
  std::condition_variable changed_;
  const Job* job_ = nullptr;  // null: nothing to do
  size_t items_ = 0;
  size_t next_ = 0;
  size_t done_ = 0;
  bool stop_ = false;
  std::vector<std::exception_ptr> errors_;  // by item
  std::vector<std::thread> threads_;
};

}  // namespace fathom::training
