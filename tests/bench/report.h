// What fathom-bench prints and writes. Pure functions.
#pragma once

#include <cmath>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/types/span.h"
#include "runtime/depth/cost_model.h"
#include "tests/bench/gemm_limit.h"
#include "tests/bench/workloads.h"

namespace fathom::bench {

// A case once it has run: medians over its runs, row-layers a pass.
struct Result {
  std::string workload;
  std::string name;
  nlohmann::json parameters;
  size_t baseline = 0;  // index among the results of the workload
  double ms_median = 0;
  double ms_best = 0;
  double limit_ms = 0;      // at the best rates of the run, so that the best pass is its like
  double predicted_ms = 0;  // by the cost model; 0: not calibrated
  int64_t sequences = 0;    // (text, task) pairs that a pass answers
  double row_layers_run = 0;
  double row_layers_shared = 0;
  double row_layers_cached = 0;

  // |predicted - measured| / measured
  double prediction_error() const { return std::abs(predicted_ms - ms_median) / ms_median; }
  double sequences_per_second() const { return static_cast<double>(sequences) * 1000 / ms_median; }
};

// What a result is compared with.
struct Expectations {
  ModelSizes sizes;
  RateCurve curve;
  CostTable costs;
};

// REQUIRES: the workload has run.
std::vector<Result> Summarize(const Workload& workload, const Expectations& expectations);

// The results of one workload. Ratios are against each case's baseline.
std::string MarkdownTable(absl::Span<const Result> results);

// The median of the results' prediction errors. REQUIRES: there is a result.
double MedianPredictionError(absl::Span<const Result> results);

// A list with an object a result. `run` (machine, encoder, threads) is put into each.
nlohmann::json ToJson(absl::Span<const Result> results, const nlohmann::json& run);

}  // namespace fathom::bench
