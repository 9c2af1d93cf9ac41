// The limit of a pass: the time that its planned arithmetic takes at the machine's best GEMM rate.
// Pure functions; gemm_rates.h measures the rates.
//
// Counted are the encoder's GEMMs, attention, adapters and heads. Embedding, activations, softmax,
// residuals and LayerNorm are not: a pass cannot reach its limit.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/types/span.h"
#include "runtime/engine.h"
#include "runtime/pass/plan.h"

namespace fathom::bench {

struct ModelSizes {
  int hidden = 0;        // H
  int intermediate = 0;  // I
  int heads = 0;
  int bottleneck = 0;  // D of every adapter
};

// Arithmetic that runs at the rate of GEMMs of so many rows.
struct RowsWork {
  int64_t rows = 0;
  double flops = 0;  // a multiplication and an addition are two

  bool operator==(const RowsWork&) const = default;
};

// The GEMMs at the rows that the plan gives them, an adapter at all its rows in the stage together.
// Attention has no weights to stream: it counts at the rows of its stage.
std::vector<RowsWork> CountWork(const PassPlan& plan, const ModelSizes& sizes);

// The heads of a request's tasks, each at all its rows together. Tasks are LoadedTask.
std::vector<RowsWork> CountHeads(absl::Span<const PassText> request, const ModelSizes& sizes);

// The four GEMMs of one layer over `rows` rows.
double LayerFlops(int64_t rows, const ModelSizes& sizes);

// GEMM rate by rows: what was measured, and between.
struct RatePoint {
  int64_t rows = 0;
  double gflops = 0;  // a second
};
using RateCurve = std::vector<RatePoint>;  // not empty, by rising rows

// Between two points time rises linearly with the rows, as a GEMM's does: weights to stream and
// rows to multiply. Outside of them the rate is that of the nearest point.
double GflopsAt(const RateCurve& curve, int64_t rows);

double LimitMs(absl::Span<const RowsWork> work, const RateCurve& curve);

}  // namespace fathom::bench
