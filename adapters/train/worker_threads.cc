#include "adapters/train/worker_threads.h"

#include "runtime/thread_team.h"

namespace fathom::training {

WorkerThreads::WorkerThreads(int workers, int threads_each) {
  for (int worker = 0; worker < workers; ++worker) {
    threads_.emplace_back([this, worker, threads_each] { Work(worker, threads_each); });
  }
}

WorkerThreads::~WorkerThreads() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void WorkerThreads::ForEach(size_t items, Job job) {
  std::unique_lock lock(mutex_);
  errors_.assign(items, nullptr);
  items_ = items;
  next_ = done_ = 0;
  job_ = &job;
  changed_.notify_all();
  changed_.wait(lock, [this] { return done_ == items_; });
  job_ = nullptr;
  for (const std::exception_ptr& error : errors_) {
    if (error) std::rethrow_exception(error);
  }
}

void WorkerThreads::Work(int worker, int threads) {
  // Not pinned: other runs may share the machine.
  ThreadTeam(0, 1, {}).Use(threads);
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return stop_ || (job_ != nullptr && next_ < items_); });
    if (stop_) return;
    const size_t item = next_++;
    const Job& job = *job_;
    lock.unlock();
    std::exception_ptr error;
    try {
      job(worker, item);
    } catch (...) {
      error = std::current_exception();
    }
    lock.lock();
    errors_[item] = error;
    if (++done_ == items_) changed_.notify_all();
  }
}

}  // namespace fathom::training
