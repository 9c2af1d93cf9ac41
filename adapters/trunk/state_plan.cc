#include "adapters/trunk/state_plan.h"

#include <algorithm>

namespace fathom::training {
namespace {

// Deals out the budgets, memory first.
class Room {
 public:
  explicit Room(const StateBudgets& budgets)
      : memory_(budgets.memory_bytes),
        file_(std::max<int64_t>(0, budgets.file_bytes - kStatePageBytes)) {}

  int64_t Count(int64_t bytes) const { return memory_ / bytes + file_ / bytes; }

  // REQUIRES: Count(plane.bytes) >= 1.
  void Place(StatePlane& plane) {
    plane.in_file = plane.bytes > memory_;
    (plane.in_file ? file_ : memory_) -= plane.bytes;
  }

 private:
  int64_t memory_;
  int64_t file_;
};

int64_t SumBytes(absl::Span<const StatePlane> planes, bool in_file) {
  int64_t bytes = 0;
  for (const StatePlane& plane : planes) bytes += plane.in_file == in_file ? plane.bytes : 0;
  return bytes;
}

}  // namespace

KeptDepths StatePlan::Depths() const {
  KeptDepths depths;
  for (const StatePlane& plane : planes) {
    if (IsClsOnly(plane.point.form)) {
      depths.last_cls_row = true;
    } else {
      depths.layers.push_back(plane.point.layer);
    }
  }
  return depths;
}

int64_t StatePlan::MemoryBytes() const { return SumBytes(planes, /*in_file=*/false); }

int64_t StatePlan::FileBytes() const {
  const int64_t bytes = SumBytes(planes, /*in_file=*/true);
  return bytes == 0 ? 0 : bytes + kStatePageBytes;
}

StatePlane MakePlane(const StateShape& shape, TapPoint point) {
  const int64_t rows = IsClsOnly(point.form) ? shape.texts : shape.tokens;
  const int64_t value = shape.precision == TapPrecision::kFp32 ? sizeof(float) : sizeof(uint16_t);
  const int64_t bytes = rows * shape.hidden_size * value * (IsPair(point.form) ? 2 : 1);
  const int64_t pages = (bytes + kStatePageBytes - 1) / kStatePageBytes;
  return {.point = point, .bytes = pages * kStatePageBytes};
}

StatePlan PlanStateCache(const StateShape& shape, absl::Span<const Fork> forks,
                         const StateBudgets& budgets) {
  StatePlan plan;
  if (shape.tokens == 0) return plan;
  Room room(budgets);
  StatePlane cls =
      MakePlane(shape, {shape.layers - 1, shape.pairs ? TapForm::kClsPair : TapForm::kClsSum});
  const bool forks_at_end =
      std::find(forks.begin(), forks.end(), Fork{shape.layers - 1, Place::kFfn}) != forks.end();
  const bool keeps_cls = forks_at_end && shape.layers > 1 && room.Count(cls.bytes) > 0;
  if (keeps_cls) room.Place(cls);

  const TapForm form = shape.pairs ? TapForm::kPair : TapForm::kSum;
  const int64_t fitting = room.Count(MakePlane(shape, {0, form}).bytes);
  const int count = static_cast<int>(std::min<int64_t>(fitting, shape.layers));
  for (const int layer : ChooseDepths(shape.layers, forks, count, keeps_cls).layers) {
    plan.planes.push_back(MakePlane(shape, {layer, form}));
    room.Place(plan.planes.back());
  }
  if (keeps_cls) plan.planes.push_back(cls);
  return plan;
}

}  // namespace fathom::training
