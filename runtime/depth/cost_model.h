// CostModel: how long a plan will take on this machine, from a table measured at the start. Pure:
// no Torch, no clock.
//
// The formulas are those of the engine notes, section 4. GEMMs by row count at knots, interpolated;
// of a text of S tokens, attention α·S + β·S²; of an adapter, γ + δ·rows·D; of a stage with
// [CLS]-only blocks ε + ζ·blocks and a part that grows with their tokens; a part of every pass.
// Rows from taps pay the epilogue and no GEMM. All times are milliseconds.
#pragma once

#include <cstdint>

#include "absl/types/span.h"
#include "runtime/depth/row_times.h"
#include "runtime/pass/plan.h"

namespace fathom {

struct CostTable {
  // GEMMs of a stage with all that they need, by rows. Not empty.
  RowTimes query_key_value;  // Stage::rows_full
  RowTimes attention_dense;  // rows_full and a row a [CLS]-only block
  RowTimes ffn;              // rows_in: both GEMMs

  RowTimes epilogue;  // residual and LayerNorm, by the rows that it writes. Not empty

  double attention_call = 0;           // a stage with attention
  double attention_token = 0;          // α
  double attention_token_squared = 0;  // β

  double adapter = 0;            // γ, of each adapter of a stage
  double adapter_row_width = 0;  // δ, per row and column of the bottleneck

  double cls_call = 0;   // ε, a stage with [CLS]-only blocks
  double cls_block = 0;  // ζ, each of them
  double cls_token = 0;  // each of their tokens

  double embedding_row = 0;
  double head = 0;  // each head of a pass
  double pass = 0;  // the fixed part

  bool operator==(const CostTable&) const = default;
};

// What a plan does not say.
struct PassTraits {
  absl::Span<const int32_t> adapter_widths;  // D by EpilogueSegment::adapter
  int heads = 0;                             // different heads that answer
};

double StageMs(const CostTable& table, const Stage& stage,
               absl::Span<const int32_t> adapter_widths);

// Embedding, all stages, heads and the fixed part.
// REQUIRES: a width for every adapter of the plan.
double PredictMs(const CostTable& table, const PassPlan& plan, const PassTraits& traits);

// Of it, the adapters' own work. REQUIRES as PredictMs.
double AdaptersMs(const CostTable& table, const PassPlan& plan, const PassTraits& traits);

}  // namespace fathom
