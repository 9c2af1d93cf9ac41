// Evaluator: the dev score of an adapter at given skip depths, by the serving planner and executor.
// All depths of a text run in one pass and share its trunk.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/types/span.h"
#include "adapters/data/dataset.h"
#include "adapters/metrics.h"
#include "adapters/model/trainable_task.h"
#include "runtime/pass/executor.h"
#include "runtime/task/profile.h"

namespace fathom::training {

struct EvaluatorOptions {
  Metric metric = Metric::kAccuracy;
  int64_t max_rows = 4096;  // tokens × depths in one pass
};

// One thread at a time. `data` is the caller's and outlives it.
class Evaluator {
 public:
  Evaluator(std::shared_ptr<const Encoder> encoder, const Dataset& data,
            const EvaluatorOptions& options);

  // One point a depth, in the order given. `agreement` is there for classification where 0 is among
  // the depths.
  std::vector<DepthPoint> Measure(const FrozenTask& task, absl::Span<const int> depths);

  // The profile over all depths 0 … L.
  DepthProfile MeasureProfile(const FrozenTask& task);

  // The metric of always answering the commonest label (in regression a constant: 0).
  double MajorityBaseline() const;

 private:
  // Answers of every text at one depth: the class with the largest logit, or the value.
  struct Answers {
    std::vector<int> labels;
    std::vector<double> values;
  };

  std::vector<Answers> Predict(const FrozenTask& task, absl::Span<const int> depths);
  double Score(const Answers& answers) const;

  const std::shared_ptr<const Encoder> encoder_;
  const Dataset& data_;
  const EvaluatorOptions options_;
  std::vector<int> expected_labels_;
  std::vector<double> expected_values_;
  Executor executor_;
};

double MeanScore(absl::Span<const DepthPoint> points);

}  // namespace fathom::training
