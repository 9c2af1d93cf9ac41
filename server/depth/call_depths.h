// CallDepths: the different questions of n in a call. A call asks the same of a task on all its
// texts, so they are few; what a (text, task) got is that of its question. For one thread.
#pragma once

#include <cstddef>
#include <vector>

#include "absl/types/span.h"
#include "runtime/engine.h"
#include "server/schedule/request.h"

namespace fathom {

class CallDepths {
 public:
  // The texts must outlive it.
  explicit CallDepths(absl::Span<const ScheduledText> texts);

  // The first (text, task) of each question.
  absl::Span<const ScheduledTask* const> questions() const { return questions_; }

  // [texts][tasks]: indices of questions().
  const std::vector<std::vector<size_t>>& question_of() const { return question_of_; }

 private:
  size_t Find(const ScheduledTask& task);

  std::vector<const ScheduledTask*> questions_;
  std::vector<std::vector<size_t>> question_of_;
};

}  // namespace fathom
