#include "server/grpc/admin_thread.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace fathom {
namespace {

constexpr size_t kMaxWaiting = 64;

}  // namespace

AdminThread::~AdminThread() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

absl::Status AdminThread::Post(std::function<void()> work) {
  const std::lock_guard lock(mutex_);
  if (waiting_.size() == kMaxWaiting) {
    return absl::ResourceExhaustedError(absl::StrCat(
        "the limit of ", kMaxWaiting, " administrative calls wait already; try again later"));
  }
  waiting_.push_back(std::move(work));
  changed_.notify_all();
  return absl::OkStatus();
}

void AdminThread::Run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return ending_ || !waiting_.empty(); });
    if (waiting_.empty()) return;
    const std::function<void()> work = std::move(waiting_.front());
    waiting_.pop_front();
    lock.unlock();
    work();
    lock.lock();
  }
}

}  // namespace fathom
