#include "server/schedule/pass_parts.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace fathom {

void PassParts::Add(const ScheduledRequest& request, absl::Span<const WorkUnit> units) {
  for (const WorkUnit& unit : units) {
    const ScheduledText& text = request.texts[unit.text];
    PassText& added = texts_.emplace_back();
    added.text = &text.text;
    added.tasks.reserve(unit.task_count);
    for (const ScheduledTask& task :
         absl::MakeConstSpan(text.tasks).subspan(unit.first_task, unit.task_count)) {
      added.tasks.push_back({.task = task.task.get(), .skip_layers = task.skip_layers});
    }
  }
}

absl::Status PassParts::CheckComplete(const PassResult& pass) const {
  if (pass.outputs.size() != texts_.size() || pass.work.size() != texts_.size()) {
    return absl::InternalError(absl::StrCat("the engine answered ", pass.outputs.size(),
                                            " texts (work of ", pass.work.size(), ") of a pass of ",
                                            texts_.size()));
  }
  for (size_t i = 0; i < texts_.size(); ++i) {
    if (pass.outputs[i].size() != texts_[i].tasks.size()) {
      return absl::InternalError(absl::StrCat("the engine answered ", pass.outputs[i].size(),
                                              " tasks of a text with ", texts_[i].tasks.size()));
    }
  }
  return absl::OkStatus();
}

size_t DeliverUnits(PassResult& pass, size_t first_text, absl::Span<const WorkUnit> units,
                    ScheduledResult& result) {
  for (const WorkUnit& unit : units) {
    for (size_t i = 0; i < unit.task_count; ++i) {
      result.outputs[unit.text][unit.first_task + i] = std::move(pass.outputs[first_text][i]);
    }
    result.work += pass.work[first_text];
    ++first_text;
  }
  return first_text;
}

}  // namespace fathom
