#include "server/schedule/order.h"

#include <algorithm>
#include <cmath>
#include <tuple>

namespace fathom {
namespace {

struct Place {
  int level = 0;
  bool near = false;
  int turns = 0;
  absl::Time deadline;
  size_t index = 0;

  auto Key() const { return std::tuple(-level, !near, turns, deadline, index); }
};

}  // namespace

int LevelOf(const WaitingRequest& request, absl::Time now, absl::Duration ageing) {
  const absl::Duration waited = now - request.since;
  if (waited <= absl::ZeroDuration() || ageing == absl::InfiniteDuration()) return request.priority;
  constexpr double kMost = 1e6;  // levels; beyond it the clock makes no sense
  const double levels = std::min(kMost, std::floor(absl::FDivDuration(waited, ageing)));
  return request.priority + static_cast<int>(levels);
}

bool IsDeadlineNear(const WaitingRequest& request, absl::Time now, absl::Duration near) {
  return request.deadline - now <= near + absl::Milliseconds(request.ms) &&
         request.deadline != absl::InfiniteFuture();
}

double TurnMs(double ms, double share) { return share > kTurnShare ? ms * kTurnShare / share : ms; }

int TurnsTaken(const WaitingRequest& request) {
  if (request.waiting_share <= kTurnShare) return 0;
  return 1 + static_cast<int>(std::floor(request.taken_share / kTurnShare));
}

std::vector<ServiceClass> ClassesInOrder(absl::Span<const WaitingRequest> waiting, absl::Time now,
                                         const OrderRules& rules) {
  std::vector<Place> places;
  places.reserve(waiting.size());
  for (size_t i = 0; i < waiting.size(); ++i) {
    const WaitingRequest& request = waiting[i];
    if (request.Gone(now)) continue;
    const bool near = IsDeadlineNear(request, now, rules.near);
    places.push_back({.level = LevelOf(request, now, rules.ageing),
                      .near = near,
                      .turns = near ? 0 : TurnsTaken(request),
                      .deadline = request.deadline,
                      .index = i});
  }
  std::sort(places.begin(), places.end(),
            [](const Place& a, const Place& b) { return a.Key() < b.Key(); });
  std::vector<ServiceClass> classes;
  const Place* last = nullptr;
  for (const Place& place : places) {
    if (last == nullptr || last->level != place.level || last->near != place.near) {
      classes.push_back({.in_order = place.near});
    }
    classes.back().requests.push_back(place.index);
    last = &place;
  }
  return classes;
}

}  // namespace fathom
