// PassPlan: what one pass will do, and PlanPass, which decides it.
//
// A pass runs the encoder once over a packed batch of texts × tasks × skip depths. The lower layers
// of a text (its trunk) run once; a task's branch starts at the task's fork. The plan is plain
// data: no Torch, no pointers, no clock. PlanPass is a pure function and may be called from any
// thread.
//
// A layer is two stages, attention and FFN. A stage runs its GEMMs over one dense block of rows and
// ends with an epilogue: a list that says which rows go where, through which adapter. Forking,
// retiring a trunk, loading a tap and ordering rows by adapter are only its sources and
// destinations.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "absl/types/span.h"
#include "runtime/cache/tap_form.h"
#include "runtime/task/site.h"

namespace fathom {

// Units: rows of a packed block.
struct Rows {
  int32_t first = 0;
  int32_t count = 0;

  bool operator==(const Rows&) const = default;
};

// Which rows of the last state somebody reads.
enum class Reads : uint8_t {
  kAllRows,
  kCls,  // the first row of the text only
};

// One (text, task, n) to compute.
struct PlanTask {
  // Which adapter: an index into the caller's list. Equal indices mean the same adapter, whose rows
  // are computed as one segment. kNoAdapter is the raw encoder, and then layout is null.
  int32_t adapter = 0;
  const AdapterLayout* layout = nullptr;  // not owned, used during the call only
  int skip_layers = 0;                    // n, 0 … L
  Reads reads = Reads::kAllRows;

  static constexpr int32_t kNoAdapter = -1;
};

struct PlanText {
  int32_t tokens = 0;  // >= 1
  std::vector<PlanTask> tasks;
  std::vector<TapPoint> taps;    // what the cache holds of this text, by rising layer
  std::optional<TapPoint> keep;  // what the cache wants; kept if the trunk runs there
};

// next[dst + i] = LN(f[src + i] + x[residual + i] + adapter(…)) for i < count.
struct EpilogueSegment {
  int32_t src_first = 0;       // row of the stage's dense output f
  int32_t residual_first = 0;  // row of the stage's input x
  int32_t dst_first = 0;
  int32_t count = 0;
  int32_t adapter = PlanTask::kNoAdapter;  // kNoAdapter: plain LN(f + x)

  bool operator==(const EpilogueSegment&) const = default;
};

// A tap that a stage reads: its rows are put behind each other in the stage's tap block. A sum is
// its dense output, with a residual of zeros.
struct TapLoad {
  int32_t text = 0;
  int32_t tap = 0;  // index into PlanText::taps
  Rows rows;        // in the tap block; of a tap of all rows, the first ones

  bool operator==(const TapLoad&) const = default;
};

// What the cache gets: rows of the stage's dense output and of its input, before the epilogue.
struct TapStore {
  int32_t text = 0;
  TapPoint tap;
  Rows rows;

  bool operator==(const TapStore&) const = default;
};

// In the last layer, blocks of which only the [CLS] row is read have one query, whose keys and
// values are absorbed into it: they need no projected keys and values. They stand behind the
// others.
struct Stage {
  int layer = 0;
  Place place = Place::kAttention;
  int32_t rows_in = 0;
  int32_t rows_out = 0;
  int32_t rows_branch = 0;          // of rows_in, those of branches; the others are of trunks
  int32_t rows_full = 0;            // rows [0, rows_full) are projected to queries, keys and values
  std::vector<Rows> attention;      // attention stage only: blocks that attend to themselves
  std::vector<Rows> cls_attention;  // the same, from their first row only; the k-th one's result is
                                    // row rows_full + k of the dense output
  std::vector<EpilogueSegment> epilogue;  // sorted by (adapter, dst_first); forks repeat sources
  // The same for rows that come from taps: sources and residuals are rows of the tap block.
  std::vector<EpilogueSegment> tap_epilogue;
  std::vector<TapLoad> loads;
  std::vector<TapStore> stores;
};

// Where the last layer's state of (text, task) stands after the last stage.
struct PlanOutput {
  int32_t text = 0;
  int32_t task = 0;           // index into PlanText::tasks
  Rows rows;                  // count 1 if only the [CLS] row was computed
  int32_t cached_layers = 0;  // layers of its trunk that come from a tap instead of being run
};

// Work of one text in row-layers: one row through one layer is 1, of which the attention stage is
// 1/3 and the FFN stage 2/3 (their shares of a layer's GEMMs). A block of which only the [CLS] row
// is read is one row in the last layer.
struct Work {
  double row_layers_run = 0;
  double row_layers_shared = 0;   // what the tasks would run more, each with a pass of its own
  double row_layers_cached = 0;   // what the trunk would run more without taps from the cache
  double row_layers_skipped = 0;  // n · tokens over the tasks: layers without the task's adapter

  Work& operator+=(const Work& other);
};

struct PassPlan {
  std::vector<int32_t> text_tokens;  // one a text
  std::vector<int32_t> embedded;     // texts in the first stage's input, in order; the others
                                     // begin at a tap
  std::vector<Stage> stages;         // 2L, attention and FFN of each layer
  std::vector<PlanOutput> outputs;   // exactly one a (text, task), ordered by text, then task
  std::vector<Work> work;            // one a text
  int32_t max_rows = 0;              // largest block of any stage, rows_in or rows_out
  int32_t max_tap_rows = 0;          // largest tap block
};

// The FFN stages that the trunk of a text runs through: what could be kept of it.
struct TrunkLayers {
  int first = 0;                // the run of layers that ends highest
  int last = -1;                // below `first`: none
  bool cls_only_at_end = true;  // of the encoder's last layer only [CLS] rows are read
};

// The same plans, without allocation once its buffers have grown to the passes that it sees. For
// one thread at a time.
class Planner {
 public:
  explicit Planner(int layers);
  ~Planner();
  Planner(Planner&&) noexcept;
  Planner& operator=(Planner&&) noexcept;

  // REQUIRES: layers >= 1; every text has tokens >= 1 and at least one task; 0 <= n <= layers; the
  // layouts have `layers` layers; taps are by rising layer. The plan stands until the next call.
  const PassPlan& Plan(absl::Span<const PlanText> texts);

  // REQUIRES as Plan. Before Plan, to choose PlanText::keep.
  TrunkLayers FindTrunkLayers(const PlanText& text);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

// One plan. REQUIRES as Planner::Plan.
PassPlan PlanPass(int layers, absl::Span<const PlanText> texts);

// What a task on a text of so many tokens runs in a pass of its own.
double RowLayersAlone(int layers, int32_t tokens, Reads reads);

// The layer at whose FFN the task forks, if it reads f or x there and not only their sum.
std::optional<int> PairLayer(const PlanTask& task);

}  // namespace fathom
