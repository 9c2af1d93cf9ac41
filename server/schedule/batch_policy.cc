#include "server/schedule/batch_policy.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "server/schedule/fairness.h"

namespace fathom {
namespace {

// A pass that fills, turn by turn.
class Cutter {
 public:
  Cutter(UnitsOf units_of, const PassLimits& limits) : units_of_(units_of), limits_(limits) {}

  bool full() const { return full_; }

  struct Turn {
    double share = 0;       // taken
    bool finished = false;  // nothing of the request is left
  };

  // Takes units of a request until `max_share` is reached.
  Turn TakeTurn(size_t request, double max_share) {
    Progress& progress = ProgressOf(request);
    Turn turn;
    while (progress.next < progress.units.size() && turn.share < max_share) {
      if (!TakeUnit(request, progress, turn)) return turn;
    }
    turn.finished = progress.next == progress.units.size();
    return turn;
  }

  BatchCut Finish() && { return std::move(cut_); }

 private:
  struct Progress {
    std::vector<WorkUnit> units;
    size_t next = 0;
    size_t place = 0;  // in cut_.taken, once something is taken
  };

  Progress& ProgressOf(size_t request) {
    const auto [found, is_new] = progress_.try_emplace(request);
    if (is_new) found->second.units = units_of_(request);
    return found->second;
  }

  bool TakeUnit(size_t request, Progress& progress, Turn& turn) {
    const WorkUnit& unit = progress.units[progress.next];
    const int64_t rows = unit.tokens * CountNew(unit);
    const double ms = unit.row_ms * static_cast<double>(rows);
    const double ms_after = (cut_.ms > 0 ? cut_.ms : limits_.fixed_ms) + ms;
    full_ = cut_.rows > 0 && (cut_.rows + rows > limits_.max_rows ||
                              (limits_.max_ms > 0 && ms > 0 && ms_after > limits_.max_ms));
    if (full_) return false;
    if (progress.next == 0) {
      progress.place = cut_.taken.size();
      cut_.taken.push_back({.request = request});
    }
    const double share = limits_.ShareOf(rows, ms);
    cut_.taken[progress.place].units += 1;
    cut_.taken[progress.place].share += share;
    cut_.taken[progress.place].ms += ms;
    turn.share += share;
    cut_.rows += rows;
    if (ms > 0) cut_.ms = ms_after;
    for (const WorkItem& item : unit.items) flights_.insert(item.flight);
    progress.next += 1;
    return true;
  }

  int64_t CountNew(const WorkUnit& unit) const {
    return std::count_if(unit.items.begin(), unit.items.end(), [&](const WorkItem& item) {
      return item.flight == 0 || !flights_.contains(item.flight);
    });
  }

  const UnitsOf units_of_;
  const PassLimits& limits_;
  absl::flat_hash_map<size_t, Progress> progress_;
  absl::flat_hash_set<uint64_t> flights_;  // taken
  BatchCut cut_;
  bool full_ = false;
};

}  // namespace

std::vector<WorkUnit> SplitText(const WorkUnit& unit, int64_t max_rows) {
  const auto items_a_unit = static_cast<size_t>(std::max<int64_t>(1, max_rows / unit.tokens));
  std::vector<WorkUnit> units;
  absl::Span<const WorkItem> left = unit.items;
  while (!left.empty()) {
    const absl::Span<const WorkItem> some = left.first(std::min(items_a_unit, left.size()));
    units.push_back({.text = unit.text,
                     .items = {some.begin(), some.end()},
                     .tokens = unit.tokens,
                     .row_ms = unit.row_ms});
    left.remove_prefix(some.size());
  }
  return units;
}

double PassLimits::ShareOf(int64_t rows, double ms) const {
  const double of_rows = static_cast<double>(rows) / static_cast<double>(max_rows);
  // A limit that the fixed part alone uses up leaves each unit a pass of its own.
  const double room = max_ms - fixed_ms;
  const double of_ms = max_ms <= 0 || ms <= 0 ? 0 : room > 0 ? ms / room : 1;
  return std::max(of_rows, of_ms);
}

double PassLimits::MsInPasses(double ms) const {
  if (ms <= 0) return 0;
  const double room = max_ms - fixed_ms;
  if (max_ms <= 0 || room <= 0) return ms + fixed_ms;
  return ms + fixed_ms * std::ceil(ms / room);
}

BatchCut CutBatch(absl::Span<const WaitingRequest> waiting, UnitsOf units_of, absl::Time now,
                  const OrderRules& rules, const PassLimits& limits) {
  Cutter cutter(units_of, limits);
  for (const ServiceClass& group : ClassesInOrder(waiting, now, rules)) {
    if (group.in_order) {
      for (size_t i = 0; i < group.requests.size() && !cutter.full(); ++i) {
        cutter.TakeTurn(group.requests[i], HUGE_VAL);
      }
    } else {
      FairTurns turns(waiting, group.requests);
      while (!turns.empty() && !cutter.full()) {
        const Cutter::Turn turn = cutter.TakeTurn(turns.Next(), kTurnShare);
        if (!cutter.full()) turns.Took(turn.share, turn.finished);
      }
    }
    if (cutter.full()) break;
  }
  BatchCut cut = std::move(cutter).Finish();
  for (size_t i = 0; i < waiting.size(); ++i) {
    if (waiting[i].deadline <= now) {
      cut.expired.push_back(i);
    } else if (waiting[i].cancelled) {
      cut.cancelled.push_back(i);
    }
  }
  return cut;
}

}  // namespace fathom
