// TaskPool: random Pfeiffer tasks with two-layer heads, in memory.
#pragma once

#include <deque>

#include "runtime/model/encoder_config.h"
#include "runtime/task/loaded_task.h"

namespace fathom::bench {

// It only grows, and tasks stay where they are. From the 65th on, a task has a module in the last
// layer only: a thousand whole adapters of BERT-base would take 7 GB.
class TaskPool {
 public:
  TaskPool(const EncoderConfig& config, int bottleneck);

  void Grow(int count);
  const LoadedTask& task(int index) const { return tasks_[static_cast<size_t>(index)]; }

  // A task beside those, with the head of the first.
  const LoadedTask& Add(Adapter adapter);

 private:
  const EncoderConfig config_;
  const int bottleneck_;
  std::deque<LoadedTask> tasks_;
  std::deque<LoadedTask> added_;
};

}  // namespace fathom::bench
