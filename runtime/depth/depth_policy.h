// ChooseDepths: the skip depths n of a call's tasks. A pure function of what was asked, what the
// profiles say, and what a pass is predicted to take.
//
// An automatic n rises only where that buys time: where the encoder's part of the pass falls by at
// least 5 %. Work that adapters themselves save does not count, so one cold text with one task
// never rises. It never leaves the range that its choice permits:
//   nothing asked   the task's default; under brown-out, up to so many steps above it, within the
//                   floor
//   min_quality     from the lowest trained n up to the largest that keeps the quality
//   latency_budget  the smallest n within the floor whose prediction fits, that of a late pass; if
//                   none fits, the smallest within 3 % of the fastest. Brown-out raises where it
//                   begins.
// A task whose answers drifted stays at its default.
//
// The search is bounded: tasks rise together, a step of one layer at a time, each until its own
// limit. First those that rise as far as it pays, then those with a budget: a call is answered
// whole, so the tightest budget decides for all of them. At most 2 · L + 2 predictions, and none
// where nothing can rise and no budget is to be told met.
#pragma once

#include <optional>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/types/span.h"
#include "runtime/depth/depth_choice.h"
#include "runtime/engine.h"

namespace fathom {

// What the operator says of a task.
struct TaskDepthPolicy {
  double quality_floor = 0.95;             // lowest score(n) / score(0) chosen without being asked
  std::optional<int> default_skip_layers;  // n of a call that names none; absent: the task's own
  bool brownout = false;                   // n may rise when the queue is long
  double shadow_ratio = 0.01;              // of answers at a risen n, compared with n = 0

  bool operator==(const TaskDepthPolicy&) const = default;
};

// One task of a call.
struct DepthQuestion {
  const TaskInfo* task = nullptr;  // not owned; null: the raw encoder
  DepthChoice choice;
  TaskDepthPolicy policy;
  bool drifted = false;  // its drift guard has tripped
};

struct DepthMoment {
  int layers = 0;          // L
  int brownout_steps = 0;  // how far n may rise for the queue's sake; 0: no brown-out
  double waited_ms = 0;    // of the call, since it arrived
  double ahead_ms = 0;     // of what runs before it
};

// The call's pass with these n, one a question. 0 milliseconds: cannot be predicted; then nothing
// rises, and no budget is met.
using PredictDepths = absl::FunctionRef<PassPrediction(absl::Span<const int> skip_layers)>;

// n of a task that nobody asks anything of: the operator's where this version was trained for it.
int DefaultDepth(const TaskInfo& task, const TaskDepthPolicy& policy);

// One a question. Without shadows.
std::vector<ChosenDepth> ChooseDepths(absl::Span<const DepthQuestion> questions,
                                      const DepthMoment& moment, PredictDepths predict);

}  // namespace fathom
