// What fathom-bench prints and writes. Pure functions.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/types/span.h"
#include "tests/bench/gemm_limit.h"
#include "tests/bench/workloads.h"

namespace fathom::bench {

// A case once it has run.
struct Result {
  std::string workload;
  std::string name;
  nlohmann::json parameters;
  size_t baseline = 0;  // index among the results of the workload
  double ms_median = 0;
  double limit_ms = 0;
  int64_t sequences = 0;  // (text, task) pairs that a pass answers
  double row_layers_run = 0;
  double row_layers_shared = 0;

  double sequences_per_second() const { return static_cast<double>(sequences) * 1000 / ms_median; }
};

// REQUIRES: the workload has run.
std::vector<Result> Summarize(const Workload& workload, const ModelSizes& sizes,
                              const RateCurve& curve);

// The results of one workload. Ratios are against each case's baseline.
std::string MarkdownTable(absl::Span<const Result> results);

// A list with an object a result. `run` (machine, encoder, threads) is put into each.
nlohmann::json ToJson(absl::Span<const Result> results, const nlohmann::json& run);

}  // namespace fathom::bench
