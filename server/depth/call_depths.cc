#include "server/depth/call_depths.h"

#include <algorithm>
#include <utility>

namespace fathom {
namespace {

bool SameQuestion(const ScheduledTask& a, const ScheduledTask& b) {
  return a.task == b.task && a.depth == b.depth && a.skip_layers == b.skip_layers &&
         a.output == b.output;
}

}  // namespace

CallDepths::CallDepths(absl::Span<const ScheduledText> texts) {
  question_of_.reserve(texts.size());
  for (const ScheduledText& text : texts) {
    std::vector<size_t> questions;
    questions.reserve(text.tasks.size());
    for (size_t j = 0; j < text.tasks.size(); ++j) {
      // Most often the same as on the text before.
      const std::vector<size_t>* before = question_of_.empty() ? nullptr : &question_of_.back();
      const bool same = before != nullptr && j < before->size() &&
                        SameQuestion(*questions_[(*before)[j]], text.tasks[j]);
      const size_t question = same ? (*before)[j] : Find(text.tasks[j]);
      questions.push_back(question);
    }
    question_of_.push_back(std::move(questions));
  }
}

size_t CallDepths::Find(const ScheduledTask& task) {
  const auto found =
      std::find_if(questions_.begin(), questions_.end(),
                   [&](const ScheduledTask* known) { return SameQuestion(*known, task); });
  if (found == questions_.end()) {
    questions_.push_back(&task);
    return questions_.size() - 1;
  }
  return static_cast<size_t>(found - questions_.begin());
}

}  // namespace fathom
