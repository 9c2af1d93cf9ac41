#include "server/schedule/chosen_depths.h"

#include <algorithm>

namespace fathom {
namespace {

ChosenDepth DefaultDepth(const ScheduledTask& task) {
  if (task.task == nullptr) return {.skip_layers = 0, .reason = DepthReason::kExact};
  if (IsExact(task)) return {.skip_layers = task.skip_layers, .reason = DepthReason::kExact};
  return {.skip_layers = task.task->info().default_skip_layers,
          .reason = DepthReason::kTaskDefault};
}

}  // namespace

bool AnyOpen(absl::Span<const ScheduledText> texts) {
  return std::any_of(texts.begin(), texts.end(), [](const ScheduledText& text) {
    return !std::all_of(text.tasks.begin(), text.tasks.end(), IsExact);
  });
}

DepthTable DefaultDepths(absl::Span<const ScheduledText> texts) {
  DepthTable depths;
  depths.reserve(texts.size());
  for (const ScheduledText& text : texts) {
    std::vector<ChosenDepth>& of_text = depths.emplace_back();
    of_text.reserve(text.tasks.size());
    for (const ScheduledTask& task : text.tasks) of_text.push_back(DefaultDepth(task));
  }
  return depths;
}

DepthTable AskForDepths(DepthChooser& chooser, absl::Span<const ScheduledText> texts,
                        const CutMoment& moment, int layers) {
  DepthTable depths = DefaultDepths(texts);
  const DepthTable chosen = chooser.Choose(texts, moment);
  if (chosen.size() != texts.size()) return depths;
  for (size_t i = 0; i < texts.size(); ++i) {
    if (chosen[i].size() != texts[i].tasks.size()) continue;
    for (size_t j = 0; j < chosen[i].size(); ++j) {
      const int n = chosen[i][j].skip_layers;
      if (!IsExact(texts[i].tasks[j]) && n >= 0 && n <= layers) depths[i][j] = chosen[i][j];
    }
  }
  return depths;
}

void SetDepths(const DepthTable& depths, absl::Span<ScheduledText> texts) {
  for (size_t i = 0; i < texts.size(); ++i) {
    for (size_t j = 0; j < texts[i].tasks.size(); ++j) {
      texts[i].tasks[j].skip_layers = depths[i][j].skip_layers;
    }
  }
}

}  // namespace fathom
