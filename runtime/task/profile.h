// The depth profile of a task: its measured dev score at every skip depth, written by the trainer
// beside the weights and read by the server. Plain values, no Torch.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace fathom {

struct DepthPoint {
  int skip_layers = 0;
  double score = 0;                 // of `metric`, higher is better
  std::optional<double> agreement;  // share of samples with the same label as at n = 0, 0 … 1
  std::optional<double> macro_f1;   // classification: the mean of the classes' F1
  // Of the 95 % interval of score − score(n = 0) on the same samples.
  std::optional<double> half_width;
  // Milliseconds of a text of the median length, with this task alone and with eight tasks.
  std::optional<double> ms_one_task;
  std::optional<double> ms_eight_tasks;
};

// Inclusive bounds on n.
struct SkipRange {
  int first = 0;
  int last = 0;

  bool Contains(int skip_layers) const { return first <= skip_layers && skip_layers <= last; }
};

struct DepthProfile {
  std::string metric;  // "accuracy", "f1", "macro_f1", "matthews", "pearson", "spearman"
  std::vector<DepthPoint> points;           // ascending skip_layers
  std::optional<double> majority_baseline;  // score of always answering the commonest label
  int64_t samples = 0;                      // dev rows the scores were measured on

  // Nothing where n was not measured.
  const DepthPoint* Find(int skip_layers) const {
    for (const DepthPoint& point : points) {
      if (point.skip_layers == skip_layers) return &point;
    }
    return nullptr;
  }
};

}  // namespace fathom
