#include "runtime/depth/cost_model.h"

namespace fathom {
namespace {

int64_t Count(absl::Span<const Rows> blocks) { return static_cast<int64_t>(blocks.size()); }

double AttentionMs(const CostTable& table, const Stage& stage) {
  if (stage.attention.empty()) return 0;
  double ms = table.attention_call;
  for (const Rows& block : stage.attention) {
    const double tokens = block.count;
    ms += tokens * (table.attention_token + tokens * table.attention_token_squared);
  }
  return ms;
}

double ClsAttentionMs(const CostTable& table, const Stage& stage) {
  if (stage.cls_attention.empty()) return 0;
  double ms = table.cls_call;
  for (const Rows& block : stage.cls_attention)
    ms += table.cls_block + block.count * table.cls_token;
  return ms;
}

double GemmMs(const CostTable& table, const Stage& stage) {
  if (stage.rows_in == 0) return 0;
  if (stage.place == Place::kFfn) return MsAt(table.ffn, stage.rows_in);
  return MsAt(table.query_key_value, stage.rows_full) +
         MsAt(table.attention_dense, stage.rows_full + Count(stage.cls_attention));
}

// Segments are sorted by adapter: those that follow each other share a product.
double AdapterMs(const CostTable& table, absl::Span<const EpilogueSegment> segments,
                 absl::Span<const int32_t> widths) {
  double ms = 0;
  int32_t adapter = PlanTask::kNoAdapter;
  for (const EpilogueSegment& segment : segments) {
    if (segment.adapter == PlanTask::kNoAdapter) continue;
    if (segment.adapter != adapter) ms += table.adapter;
    adapter = segment.adapter;
    ms += table.adapter_row_width * segment.count *
          static_cast<double>(widths[static_cast<size_t>(adapter)]);
  }
  return ms;
}

double AdapterMs(const CostTable& table, const Stage& stage, absl::Span<const int32_t> widths) {
  return AdapterMs(table, stage.epilogue, widths) + AdapterMs(table, stage.tap_epilogue, widths);
}

}  // namespace

double StageMs(const CostTable& table, const Stage& stage,
               absl::Span<const int32_t> adapter_widths) {
  return GemmMs(table, stage) + AttentionMs(table, stage) + ClsAttentionMs(table, stage) +
         MsAt(table.epilogue, stage.rows_out) + AdapterMs(table, stage, adapter_widths);
}

double PredictMs(const CostTable& table, const PassPlan& plan, const PassTraits& traits) {
  double ms = table.pass + table.head * traits.heads;
  for (const int32_t text : plan.embedded) {
    ms += table.embedding_row * plan.text_tokens[static_cast<size_t>(text)];
  }
  for (const Stage& stage : plan.stages) ms += StageMs(table, stage, traits.adapter_widths);
  return ms;
}

double AdaptersMs(const CostTable& table, const PassPlan& plan, const PassTraits& traits) {
  double ms = 0;
  for (const Stage& stage : plan.stages) ms += AdapterMs(table, stage, traits.adapter_widths);
  return ms;
}

}  // namespace fathom
