// TaskLabels: which tasks have a label of their own, so that labels stay few however many tasks
// there are and whatever names clients make up.
#pragma once

#include <cstddef>
#include <set>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace fathom {

// Thread-safe. The first `most` names that are admitted are labels for ever: a series that was
// begun goes on.
class TaskLabels {
 public:
  static constexpr char kOther[] = "other";

  explicit TaskLabels(size_t most) : most_(most) {}

  // `name` is of a task that is loaded. Whether it has a label of its own from now on.
  bool Admit(const std::string& name) {
    const absl::MutexLock lock(&mutex_);
    if (names_.size() < most_) names_.insert(name);
    return names_.contains(name);
  }

  // `name`, or "other".
  std::string LabelOf(const std::string& name) const {
    const absl::ReaderMutexLock lock(&mutex_);
    return names_.contains(name) ? name : kOther;
  }

 private:
  const size_t most_;
  mutable absl::Mutex mutex_;
  std::set<std::string> names_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace fathom
