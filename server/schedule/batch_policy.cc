#include "server/schedule/batch_policy.h"

#include <algorithm>

namespace fathom {

std::vector<WorkUnit> SplitText(size_t text, int64_t tokens, absl::Span<const size_t> tasks,
                                int64_t max_rows) {
  const auto tasks_a_unit = static_cast<size_t>(std::max<int64_t>(1, max_rows / tokens));
  std::vector<WorkUnit> units;
  for (; !tasks.empty(); tasks.remove_prefix(units.back().tasks.size())) {
    const absl::Span<const size_t> some = tasks.first(std::min(tasks_a_unit, tasks.size()));
    units.push_back({.text = text,
                     .tasks = {some.begin(), some.end()},
                     .rows = tokens * static_cast<int64_t>(some.size())});
  }
  return units;
}

BatchCut CutBatch(absl::Span<const WaitingRequest> waiting, absl::Time now, int64_t max_rows) {
  BatchCut cut;
  int64_t rows = 0;
  bool full = false;
  for (size_t i = 0; i < waiting.size(); ++i) {
    if (waiting[i].deadline <= now) {
      cut.expired.push_back(i);
      continue;
    }
    if (waiting[i].cancelled) {
      cut.cancelled.push_back(i);
      continue;
    }
    size_t units = 0;
    for (; !full && units < waiting[i].units.size(); ++units) {
      const int64_t unit_rows = waiting[i].units[units].rows;
      full = rows > 0 && rows + unit_rows > max_rows;
      if (full) break;
      rows += unit_rows;
    }
    if (units > 0) cut.taken.push_back({.request = i, .units = units});
  }
  return cut;
}

}  // namespace fathom
