// What a PassTask means to the runtime: which rows it reads, and where its answer is kept.
#pragma once

#include <cstdint>

#include "runtime/engine.h"
#include "runtime/pass/plan.h"
#include "runtime/task/loaded_task.h"

namespace fathom {

// Null: the raw encoder.
inline const LoadedTask* Loaded(const PassTask& task) {
  return static_cast<const LoadedTask*>(task.task);
}

// What is computed: the raw encoder has no head, so it answers its [CLS] row instead.
inline PassOutput OutputOf(const PassTask& task) {
  const bool has_head = task.task != nullptr;
  return task.output == PassOutput::kHead && !has_head ? PassOutput::kClsState : task.output;
}

// The rows of the last state that this reads: the [CLS] row, but for tags and means.
inline Reads ReadsOf(const PassTask& task) {
  const PassOutput output = OutputOf(task);
  const bool tags = output == PassOutput::kHead && task.task->info().head == HeadKind::kTagging;
  return tags || output == PassOutput::kMeanState ? Reads::kAllRows : Reads::kCls;
}

// Of AnswerCache: the id of one loaded version of a task, or of the raw encoder.
inline uint64_t AnswerId(const PassTask& task) {
  return task.task == nullptr ? 0 : Loaded(task)->id();
}

// Of AnswerCache. The raw encoder answers the same at every n.
inline int AnswerDepth(const PassTask& task) { return task.task == nullptr ? 0 : task.skip_layers; }

}  // namespace fathom
