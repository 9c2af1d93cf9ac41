#include "tests/bench/gemm_limit.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <map>

#include "runtime/task/loaded_task.h"

namespace fathom::bench {
namespace {

// Of [rows, in] × [in, out].
double GemmFlops(int64_t rows, int in, int out) {
  return 2.0 * static_cast<double>(rows) * in * out;
}

// Scores and weighted sum of `queries` rows over `keys` rows, each of width H.
double AttentionFlops(int64_t queries, int64_t keys, int hidden) {
  return 4.0 * static_cast<double>(queries) * static_cast<double>(keys) * hidden;
}

class Counter {
 public:
  Counter(const Stage& stage, const ModelSizes& sizes, std::vector<RowsWork>& work)
      : stage_(stage), sizes_(sizes), work_(work) {}

  void Attention() {
    const int hidden = sizes_.hidden;
    Add(stage_.rows_full, GemmFlops(stage_.rows_full, hidden, 3 * hidden));
    for (const Rows& block : stage_.attention) {
      Add(stage_.rows_in, AttentionFlops(block.count, block.count, hidden));
    }
    ClsAttention();
    const int64_t rows = stage_.rows_full + ClsRows();
    Add(rows, GemmFlops(rows, hidden, hidden));
  }

  void Ffn() {
    const double one_way = GemmFlops(stage_.rows_in, sizes_.hidden, sizes_.intermediate);
    Add(stage_.rows_in, 2 * one_way);
  }

  void Adapters() {
    std::map<int32_t, int64_t> rows_of;
    for (const auto* list : {&stage_.epilogue, &stage_.tap_epilogue}) {
      for (const EpilogueSegment& segment : *list) {
        if (segment.adapter != PlanTask::kNoAdapter) rows_of[segment.adapter] += segment.count;
      }
    }
    for (const auto& [adapter, rows] : rows_of) {
      Add(rows, 2 * GemmFlops(rows, sizes_.hidden, sizes_.bottleneck));
    }
  }

 private:
  int64_t ClsRows() const { return static_cast<int64_t>(stage_.cls_attention.size()); }

  // The query's projection, the keys' and the values' absorbed into it, and a block's attention,
  // in which every head has a query as wide as the state.
  void ClsAttention() {
    Add(ClsRows(), 3 * GemmFlops(ClsRows(), sizes_.hidden, sizes_.hidden));
    for (const Rows& block : stage_.cls_attention) {
      Add(stage_.rows_in, AttentionFlops(sizes_.heads, block.count, sizes_.hidden));
    }
  }

  void Add(int64_t rows, double flops) {
    if (rows > 0) work_.push_back({rows, flops});
  }

  const Stage& stage_;
  const ModelSizes& sizes_;
  std::vector<RowsWork>& work_;
};

}  // namespace

std::vector<RowsWork> CountWork(const PassPlan& plan, const ModelSizes& sizes) {
  std::vector<RowsWork> work;
  for (const Stage& stage : plan.stages) {
    Counter counter(stage, sizes, work);
    if (stage.place == Place::kAttention) {
      counter.Attention();
    } else {
      counter.Ffn();
    }
    counter.Adapters();
  }
  return work;
}

std::vector<RowsWork> CountHeads(absl::Span<const PassText> request, const ModelSizes& sizes) {
  std::map<const ServableTask*, int64_t> rows_of;
  for (const PassText& text : request) {
    for (const PassTask& task : text.tasks) {
      if (task.task != nullptr) ++rows_of[task.task];
    }
  }
  std::vector<RowsWork> work;
  for (const auto& [servable, rows] : rows_of) {
    const auto& task = static_cast<const LoadedTask&>(*servable);
    work.push_back({rows, (task.head_layers() - 1) * GemmFlops(rows, sizes.hidden, sizes.hidden) +
                              GemmFlops(rows, sizes.hidden, task.classes())});
  }
  return work;
}

double LayerFlops(int64_t rows, const ModelSizes& sizes) {
  return GemmFlops(rows, sizes.hidden, 4 * sizes.hidden) +
         2 * GemmFlops(rows, sizes.hidden, sizes.intermediate);
}

double GflopsAt(const RateCurve& curve, int64_t rows) {
  const auto above = std::find_if(curve.begin(), curve.end(),
                                  [&](const RatePoint& point) { return point.rows >= rows; });
  if (above == curve.end()) return curve.back().gflops;
  if (above == curve.begin() || above->rows == rows) return above->gflops;
  const RatePoint& below = *std::prev(above);
  const auto seconds = [](const RatePoint& point) {  // of a layer with one unit of work a row
    return static_cast<double>(point.rows) / point.gflops;
  };
  const double share =
      static_cast<double>(rows - below.rows) / static_cast<double>(above->rows - below.rows);
  return static_cast<double>(rows) / std::lerp(seconds(below), seconds(*above), share);
}

double LimitMs(absl::Span<const RowsWork> work, const RateCurve& curve) {
  double ms = 0;
  for (const RowsWork& part : work) ms += part.flops / (GflopsAt(curve, part.rows) * 1e6);
  return ms;
}

}  // namespace fathom::bench
