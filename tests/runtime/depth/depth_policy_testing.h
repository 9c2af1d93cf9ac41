// A table of depth policies: its rows, what they are made of, and how a row is checked.
#pragma once

#include <algorithm>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "runtime/depth/depth_policy.h"

namespace fathom {

inline constexpr int kLayers = 12;

// A task trained for first … 11, with score 0.9 − 0.01 · n, ± 0.004, over a baseline of 0.5: a
// floor of 0.95 holds up to n = 4 (0.86 − 0.004 ≥ 0.855), one of 0.9 up to n = 8.
inline TaskInfo Task(int first = 0, int last = kLayers - 1) {
  TaskInfo task{.name = "mood",
                .trained_skip_layers = {.first = first, .last = last},
                .default_skip_layers = first};
  DepthProfile& profile = task.profile.emplace();
  profile.metric = "accuracy";
  profile.majority_baseline = 0.5;
  profile.samples = 1000;
  for (int n = 0; n <= kLayers; ++n) {
    profile.points.push_back(
        {.skip_layers = n, .score = 0.9 - 0.01 * n, .half_width = n == 0 ? 0 : 0.004});
  }
  return task;
}

// The engine's law for one text: n + 1 layers are shared, the others run for each task; adapters
// cost a little in each of their layers. A text kept at depth `tap` starts there, if nobody needs
// less.
using Law = std::function<PassPrediction(absl::Span<const int>)>;
inline Law LayersOf(double ms_a_layer, int tap = -1, double adapter_ms = 0.1) {
  return [=](absl::Span<const int> depths) {
    double trunk = 0;
    double branches = 0;
    for (const int n : depths) {
      trunk = std::max(trunk, std::min<double>(n, kLayers - 1) + 1);
      branches += kLayers - 1 - std::min(n, kLayers - 1);
    }
    const int least = *std::min_element(depths.begin(), depths.end());
    const double cached = least >= tap ? tap + 1 : 0;
    const double encoder = ms_a_layer * (trunk - cached + branches);
    return PassPrediction{.ms = encoder + adapter_ms * branches, .encoder_ms = encoder};
  };
}

inline DepthChoice Default() { return {}; }
inline DepthChoice Exact(int n) { return {.kind = DepthChoice::Kind::kExact, .skip_layers = n}; }
inline DepthChoice Budget(double ms) {
  return {.kind = DepthChoice::Kind::kLatencyBudget, .latency_budget = absl::Milliseconds(ms)};
}
inline DepthChoice MinQuality(double share) {
  return {.kind = DepthChoice::Kind::kMinQuality, .min_quality = share};
}

struct PolicyCase {
  std::string title;
  std::vector<DepthChoice> choices;  // one a task
  std::vector<int> n;
  DepthReason reason = DepthReason::kTaskDefault;  // of the last task
  std::optional<bool> budget_met = {};             // the same
  Law law = LayersOf(1);
  TaskInfo task = Task();
  int brownout_steps = 0;
  double waited_ms = 0;
  double ahead_ms = 0;
  bool drifted = false;
  TaskDepthPolicy policy = {.brownout = true};
};

inline std::vector<DepthChoice> Eight(const DepthChoice& choice) { return {8, choice}; }
inline std::vector<int> EightTimes(int n) { return std::vector<int>(8, n); }

inline TaskInfo With(TaskInfo task, const std::function<void(TaskInfo&)>& change) {
  change(task);
  return task;
}

inline DepthChoice With(DepthChoice choice, const std::function<void(DepthChoice&)>& change) {
  change(choice);
  return choice;
}

inline void ExpectHolds(const PolicyCase& test) {
  std::vector<DepthQuestion> questions;
  for (const DepthChoice& choice : test.choices) {
    questions.push_back(
        {.task = &test.task, .choice = choice, .policy = test.policy, .drifted = test.drifted});
  }
  int predictions = 0;
  const std::vector<ChosenDepth> chosen = ChooseDepths(questions,
                                                       {.layers = kLayers,
                                                        .brownout_steps = test.brownout_steps,
                                                        .waited_ms = test.waited_ms,
                                                        .ahead_ms = test.ahead_ms},
                                                       [&](absl::Span<const int> depths) {
                                                         ++predictions;
                                                         return test.law(depths);
                                                       });
  std::vector<int> n;
  for (const ChosenDepth& depth : chosen) n.push_back(depth.skip_layers);
  EXPECT_THAT(n, ::testing::ElementsAreArray(test.n));
  ASSERT_FALSE(chosen.empty());
  EXPECT_EQ(chosen.back().reason, test.reason);
  EXPECT_EQ(chosen.back().budget_met, test.budget_met);
  EXPECT_LE(predictions, 2 * kLayers + 2);
  const double at_rest =
      test.law(std::vector<int>(test.choices.size(), test.task.default_skip_layers)).ms;
  if (predictions > 0 && at_rest > 0) {
    EXPECT_DOUBLE_EQ(
        chosen.back().predicted_ms.value_or(-1),
        test.waited_ms + test.ahead_ms + std::max(test.law(n).ms, test.law(n).late_ms));
  } else {
    EXPECT_FALSE(chosen.back().predicted_ms.has_value());
  }
}

}  // namespace fathom
