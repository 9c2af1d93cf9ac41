// Evaluator: the dev score of an adapter at given skip depths, by the serving planner and executor.
// All depths of a text run in one pass and share its trunk.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/types/span.h"
#include "adapters/data/dataset.h"
#include "adapters/measure/paired_bootstrap.h"
#include "adapters/metrics.h"
#include "adapters/model/trainable_task.h"
#include "runtime/pass/executor.h"
#include "runtime/task/profile.h"

namespace fathom::training {

struct EvaluatorOptions {
  Metric metric = Metric::kAccuracy;
  int64_t max_rows = 4096;     // tokens × depths in one pass
  BootstrapOptions bootstrap;  // of MeasureProfile
};

// One thread at a time. `data` is the caller's and outlives it.
class Evaluator {
 public:
  Evaluator(std::shared_ptr<const Encoder> encoder, const Dataset& data,
            const EvaluatorOptions& options);

  // One point a depth, in the order given, by the task's own encoder if it has one: its score and,
  // for classification, macro-F1 and, where 0 is among the depths, agreement. A score is NaN where
  // the task answers with a number that is not finite.
  std::vector<DepthPoint> Measure(const FrozenTask& task, absl::Span<const int> depths);

  // The profile over all depths 0 … L, with half-widths.
  DepthProfile MeasureProfile(const FrozenTask& task);

  // The metric of always answering the commonest label (in regression a constant: 0).
  double MajorityBaseline() const;

 private:
  // Answers of every text at one depth: the class with the largest logit, or the value.
  struct Answers {
    std::vector<int> labels;
    std::vector<double> values;
    bool finite = true;
  };

  std::vector<Answers> Predict(const FrozenTask& task, absl::Span<const int> depths);
  double Score(const Answers& answers) const;
  double ScoreOn(absl::Span<const int64_t> texts, const Answers& answers) const;
  std::vector<DepthPoint> Points(absl::Span<const int> depths,
                                 const std::vector<Answers>& answers) const;
  // REQUIRES: the first answers are of n = 0.
  void AddHalfWidths(const std::vector<Answers>& answers, std::vector<DepthPoint>& points) const;

  const std::shared_ptr<const Encoder> encoder_;
  const Dataset& data_;
  const EvaluatorOptions options_;
  std::vector<int> expected_labels_;
  std::vector<double> expected_values_;
  Executor executor_;  // of encoder_
};

}  // namespace fathom::training
