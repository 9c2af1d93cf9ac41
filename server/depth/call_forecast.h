// CallForecast: what a call's pass would take at other depths. Of a large call every k-th text
// stands for the others, so that a prediction costs the same whatever the call.
#pragma once

#include <cstddef>
#include <vector>

#include "absl/types/span.h"
#include "runtime/engine.h"
#include "server/depth/call_depths.h"
#include "server/schedule/request.h"

namespace fathom {

// For one thread.
class CallForecast {
 public:
  static constexpr size_t kMostItems = 64;  // (text, task) pairs that are planned

  // All must outlive it. Looks at nothing before the first prediction.
  CallForecast(const Engine& engine, int threads, absl::Span<const ScheduledText> texts,
               const CallDepths& call);

  // n of each question. What was asked before is not predicted again.
  PassPrediction Predict(absl::Span<const int> skip_layers);

 private:
  struct Known {
    std::vector<int> skip_layers;
    PassPrediction prediction;
  };

  void Sample();

  const Engine& engine_;
  const int threads_;
  const absl::Span<const ScheduledText> all_;
  const CallDepths& call_;
  std::vector<size_t> sampled_;  // indices of texts
  double scale_ = 1;             // tokens of the call / tokens of the sample, by (text, task)
  std::vector<PassText> texts_;  // [sampled_]
  std::vector<Known> known_;
};

}  // namespace fathom
