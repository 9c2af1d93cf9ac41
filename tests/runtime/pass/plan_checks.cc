#include "tests/runtime/pass/plan_checks.h"

#include <algorithm>
#include <array>
#include <map>
#include <tuple>

#include "gtest/gtest.h"

namespace fathom {
namespace {

// What has happened to a row so far: its text and token, and every module it went through. Two
// rows with equal histories hold equal numbers.
struct History {
  int text = -1;
  int token = -1;
  std::vector<std::tuple<int, Place, int>> modules;  // layer, place, adapter

  auto operator<=>(const History&) const = default;
};

History Expected(const Request& request, int text, int task, int token) {
  const PlanTask& plan_task =
      request.texts[static_cast<size_t>(text)].tasks[static_cast<size_t>(task)];
  History history{text, token, {}};
  if (plan_task.layout == nullptr) return history;
  for (int layer = plan_task.skip_layers; layer < request.layers; ++layer) {
    for (Place place : {Place::kAttention, Place::kFfn}) {
      if (plan_task.layout->HasModule(layer, place)) {
        history.modules.emplace_back(layer, place, plan_task.adapter);
      }
    }
  }
  return history;
}

// Moves rows through one epilogue list, and checks its rules on the way.
void SimulateEpilogue(const Stage& stage, const std::vector<EpilogueSegment>& segments,
                      const std::vector<History>& dense, const std::vector<History>& residual,
                      std::vector<History>& next) {
  std::pair<int, int> last_key{-2, -1};
  for (const EpilogueSegment& segment : segments) {
    EXPECT_LT(last_key, std::pair(segment.adapter, segment.dst_first)) << "segments are sorted";
    last_key = {segment.adapter, segment.dst_first};
    for (int i = 0; i < segment.count; ++i) {
      History& out = next[static_cast<size_t>(segment.dst_first + i)];
      EXPECT_EQ(out.text, -1) << "a row is written twice";
      out = dense[static_cast<size_t>(segment.src_first + i)];
      EXPECT_EQ(out, residual[static_cast<size_t>(segment.residual_first + i)]);
      if (segment.adapter >= 0) {
        out.modules.emplace_back(stage.layer, stage.place, segment.adapter);
      }
    }
  }
}

// The rows of the taps that a stage loads.
std::vector<History> SimulateLoads(const Request& request, const PassPlan& plan,
                                   const Stage& stage) {
  std::vector<History> rows;
  for (const TapLoad& load : stage.loads) {
    const PlanText& text = request.texts[static_cast<size_t>(load.text)];
    const TapPoint& tap = text.taps[static_cast<size_t>(load.tap)];
    EXPECT_EQ(tap.layer, stage.layer);
    EXPECT_EQ(stage.place, Place::kFfn);
    EXPECT_EQ(load.rows.first, static_cast<int32_t>(rows.size()));
    if (IsClsOnly(tap.form)) {
      EXPECT_EQ(load.rows.count, 1);
    }
    for (int i = 0; i < load.rows.count; ++i) rows.push_back({load.text, i, {}});
    if (IsPair(tap.form)) continue;
    for (const EpilogueSegment& segment : stage.tap_epilogue) {
      if (segment.adapter < 0 || segment.src_first < load.rows.first ||
          segment.src_first >= load.rows.first + load.rows.count) {
        continue;
      }
      const AdapterLayout& layout = request.layouts[static_cast<size_t>(segment.adapter)];
      EXPECT_EQ(layout.site(Place::kFfn)->input, AdapterInput::kNormalizedSum)
          << "a sum serves no module that reads f or x";
    }
  }
  EXPECT_LE(static_cast<int32_t>(rows.size()), plan.max_tap_rows);
  return rows;
}

// What is kept are rows of the trunk.
void CheckStores(const Request& request, const Stage& stage, const std::vector<History>& rows) {
  for (const TapStore& store : stage.stores) {
    const PlanText& text = request.texts[static_cast<size_t>(store.text)];
    EXPECT_EQ(store.tap, text.keep);
    EXPECT_EQ(Fork({stage.layer, stage.place}), Fork({store.tap.layer, Place::kFfn}));
    EXPECT_EQ(store.rows.count, IsClsOnly(store.tap.form) ? 1 : text.tokens);
    for (int i = 0; i < store.rows.count; ++i) {
      EXPECT_EQ(rows[static_cast<size_t>(store.rows.first + i)], (History{store.text, i, {}}));
    }
  }
}

// Executes a plan on histories instead of numbers, and checks the rules of a plan on the way.
std::vector<History> Simulate(const Request& request, const PassPlan& plan) {
  std::vector<History> rows;
  for (const int32_t text : plan.embedded) {
    for (int token = 0; token < plan.text_tokens[static_cast<size_t>(text)]; ++token) {
      rows.push_back({text, token, {}});
    }
  }
  for (const Stage& stage : plan.stages) {
    EXPECT_EQ(stage.rows_in, static_cast<int32_t>(rows.size()));
    EXPECT_EQ(stage.rows_branch, std::count_if(rows.begin(), rows.end(), [](const History& row) {
                return !row.modules.empty();
              }));
    EXPECT_LE(std::max(stage.rows_in, stage.rows_out), plan.max_rows);
    if (stage.place == Place::kAttention) {
      // Blocks cover all rows, each holds one text's tokens with one history; the full ones first.
      std::vector<Rows> blocks = stage.attention;
      blocks.insert(blocks.end(), stage.cls_attention.begin(), stage.cls_attention.end());
      int32_t next_row = 0;
      for (const Rows& block : blocks) {
        EXPECT_EQ(block.first, next_row);
        next_row += block.count;
        const History& first = rows[static_cast<size_t>(block.first)];
        EXPECT_EQ(block.count, plan.text_tokens[static_cast<size_t>(first.text)]);
        for (int i = 0; i < block.count; ++i) {
          EXPECT_EQ(rows[static_cast<size_t>(block.first + i)],
                    (History{first.text, i, first.modules}));
        }
      }
      EXPECT_EQ(next_row, stage.rows_in);
    } else {
      EXPECT_TRUE(stage.attention.empty());
      EXPECT_TRUE(stage.cls_attention.empty());
    }
    // The dense output: the rows of the full blocks, then one of each [CLS] block.
    std::vector<History> dense(rows.begin(), rows.begin() + stage.rows_full);
    for (const Rows& block : stage.cls_attention) {
      EXPECT_EQ(stage.layer, plan.stages.back().layer) << "only the last layer may drop rows";
      dense.push_back(rows[static_cast<size_t>(block.first)]);
    }
    CheckStores(request, stage, rows);
    const std::vector<History> taps = SimulateLoads(request, plan, stage);
    std::vector<History> next(static_cast<size_t>(stage.rows_out));
    SimulateEpilogue(stage, stage.epilogue, dense, rows, next);
    SimulateEpilogue(stage, stage.tap_epilogue, taps, taps, next);
    for (const History& row : next) EXPECT_NE(row.text, -1) << "a row is not written";
    rows = std::move(next);
  }
  return rows;
}

// Where a task leaves the trunk: the stage, by layer and place, of its first module, or behind all.
std::pair<int, Place> LeavesTrunk(const Request& request, int text, int task) {
  const auto modules = Expected(request, text, task, 0).modules;
  return modules.empty() ? std::pair(request.layers, Place::kAttention)
                         : std::pair(std::get<0>(modules[0]), std::get<1>(modules[0]));
}

// Whether a task's reading of the trunk makes it run through (layer, place): there is no tap at or
// above it, and at or below where the task leaves, that serves the task.
bool NeedsTrunk(const Request& request, int text, int task, std::pair<int, Place> stage) {
  const PlanText& plan_text = request.texts[static_cast<size_t>(text)];
  const std::pair<int, Place> leaves = LeavesTrunk(request, text, task);
  const int last = request.layers - 1;
  bool all_rows_read = request.layers == 1;
  for (size_t other = 0; other < plan_text.tasks.size(); ++other) {
    all_rows_read |=
        plan_text.tasks[other].reads == Reads::kAllRows &&
        LeavesTrunk(request, text, static_cast<int>(other)) >= std::pair(last, Place::kFfn);
  }
  for (const TapPoint& tap : plan_text.taps) {
    const std::pair<int, Place> at{tap.layer, Place::kFfn};
    if (at < stage || leaves < at) continue;
    if (IsClsOnly(tap.form) && all_rows_read) continue;
    const AdapterLayout* layout = plan_text.tasks[static_cast<size_t>(task)].layout;
    if (at == leaves && !IsPair(tap.form) &&
        layout->site(Place::kFfn)->input != AdapterInput::kNormalizedSum) {
      continue;
    }
    return false;
  }
  return true;
}

// Layers below where a task leaves the trunk whose FFN no task of the text makes the trunk run
// through.
int BruteForceCachedLayers(const Request& request, int text, int task) {
  const auto tasks = static_cast<int>(request.texts[static_cast<size_t>(text)].tasks.size());
  int cached = 0;
  for (int layer = 0; layer < request.layers; ++layer) {
    const std::pair stage(layer, Place::kFfn);
    if (LeavesTrunk(request, text, task) < stage) break;
    bool runs = false;
    for (int other = 0; other < tasks; ++other) {
      runs |= LeavesTrunk(request, text, other) >= stage && NeedsTrunk(request, text, other, stage);
    }
    cached += runs ? 0 : 1;
  }
  return cached;
}

// Row-layers of a text by the method alone: at each stage, as many rows as there are distinct
// states that somebody still needs. A state is known by the modules it went through. In the last of
// several layers, a state whose readers all want [CLS] is one row.
// With taps, the trunk's state is computed only where some reader is not served by one.
double BruteForceRun(const Request& request, int text, bool with_taps) {
  const PlanText& plan_text = request.texts[static_cast<size_t>(text)];
  double run = 0;
  for (int layer = 0; layer < request.layers; ++layer) {
    for (Place place : {Place::kAttention, Place::kFfn}) {
      struct State {
        int rows = 0;
        bool computed = false;
      };
      std::map<std::vector<std::tuple<int, Place, int>>, State> states;
      for (size_t task = 0; task < plan_text.tasks.size(); ++task) {
        auto modules = Expected(request, text, static_cast<int>(task), 0).modules;
        std::erase_if(modules, [&](const auto& module) {
          return std::pair(std::get<0>(module), std::get<1>(module)) >= std::pair(layer, place);
        });
        const bool one_row =
            layer > 0 && layer == request.layers - 1 && plan_text.tasks[task].reads == Reads::kCls;
        const bool on_trunk = modules.empty();
        State& state = states[std::move(modules)];
        state.rows = std::max(state.rows, one_row ? 1 : plan_text.tokens);
        state.computed |= !on_trunk || !with_taps ||
                          NeedsTrunk(request, text, static_cast<int>(task), {layer, place});
      }
      for (const auto& [modules, state] : states) {
        if (state.computed) run += state.rows * (place == Place::kAttention ? 1.0 / 3 : 2.0 / 3);
      }
    }
  }
  return run;
}

TapPoint RandomTap(int layer, int layers, std::mt19937& random) {
  const bool may_be_cls = layers > 1 && layer == layers - 1;
  const int form = std::uniform_int_distribution<int>(0, may_be_cls ? 3 : 1)(random);
  return {.layer = layer, .form = static_cast<TapForm>(form)};
}

}  // namespace

AdapterLayout Pfeiffer(int layers, std::set<int> left_out) {
  AdapterLayout layout;
  layout.sites[static_cast<size_t>(Place::kFfn)] = AdapterSite{};
  for (int l = 0; l < layers; ++l) layout.left_out.push_back(left_out.contains(l));
  return layout;
}

AdapterLayout Parallel(int layers, std::set<int> left_out) {
  AdapterLayout layout = Pfeiffer(layers, std::move(left_out));
  layout.sites[static_cast<size_t>(Place::kFfn)]->input = AdapterInput::kResidual;
  return layout;
}

AdapterLayout Houlsby(int layers, std::set<int> left_out) {
  AdapterLayout layout = Pfeiffer(layers, std::move(left_out));
  layout.sites[static_cast<size_t>(Place::kAttention)] =
      AdapterSite{.input = AdapterInput::kDense, .activation = Activation::kSilu};
  layout.sites[static_cast<size_t>(Place::kFfn)]->input = AdapterInput::kDense;
  return layout;
}

void CheckPlan(const Request& request) {
  const PassPlan plan = PlanPass(request.layers, request.texts);
  ASSERT_EQ(plan.stages.size(), static_cast<size_t>(2 * request.layers));
  const std::vector<History> rows = Simulate(request, plan);

  size_t output = 0;
  for (size_t text = 0; text < request.texts.size(); ++text) {
    const PlanText& plan_text = request.texts[text];
    double alone = 0;
    double skipped = 0;
    for (size_t task = 0; task < plan_text.tasks.size(); ++task, ++output) {
      ASSERT_LT(output, plan.outputs.size());
      const PlanOutput& out = plan.outputs[output];
      ASSERT_EQ(out.text, static_cast<int>(text));
      ASSERT_EQ(out.task, static_cast<int>(task));
      EXPECT_EQ(out.cached_layers,
                BruteForceCachedLayers(request, static_cast<int>(text), static_cast<int>(task)));
      const bool reads_cls = plan_text.tasks[task].reads == Reads::kCls && request.layers > 1;
      // A branch may hold more rows than this task reads, for another task that shares it.
      ASSERT_TRUE(out.rows.count == plan_text.tokens || (reads_cls && out.rows.count == 1));
      for (int token = 0; token < out.rows.count; ++token) {
        ASSERT_EQ(rows[static_cast<size_t>(out.rows.first + token)],
                  Expected(request, static_cast<int>(text), static_cast<int>(task), token));
      }
      alone += (request.layers - 1) * plan_text.tokens + (reads_cls ? 1 : plan_text.tokens);
      if (plan_text.tasks[task].layout != nullptr) {
        skipped += plan_text.tasks[task].skip_layers * plan_text.tokens;
      }
    }
    const double run = BruteForceRun(request, static_cast<int>(text), true);
    const double cold = BruteForceRun(request, static_cast<int>(text), false);
    EXPECT_NEAR(plan.work[text].row_layers_run, run, 1e-6);
    EXPECT_NEAR(plan.work[text].row_layers_shared, alone - cold, 1e-6);
    EXPECT_NEAR(plan.work[text].row_layers_cached, cold - run, 1e-6);
    EXPECT_NEAR(plan.work[text].row_layers_skipped, skipped, 1e-6);
  }
  EXPECT_EQ(output, plan.outputs.size());
}

Request RandomRequest(std::mt19937& random) {
  auto pick = [&](int low, int high) {
    return std::uniform_int_distribution<int>(low, high)(random);
  };
  Request request;
  request.layers = pick(1, 6);
  const int adapters = pick(1, 5);
  for (int a = 0; a < adapters; ++a) {
    std::set<int> left_out;
    for (int l = 0; l < request.layers; ++l) {
      if (pick(0, 3) == 0) left_out.insert(l);
    }
    const auto make = std::array{Pfeiffer, Parallel, Houlsby}[static_cast<size_t>(pick(0, 2))];
    request.layouts.push_back(make(request.layers, left_out));
  }
  const int texts = pick(1, 5);
  for (int t = 0; t < texts; ++t) {
    PlanText text{.tokens = pick(1, 4)};
    const int tasks = pick(1, 6);
    for (int i = 0; i < tasks; ++i) {
      const int adapter = pick(-1, adapters - 1);
      text.tasks.push_back(
          {.adapter = adapter,
           .layout = adapter < 0 ? nullptr : &request.layouts[static_cast<size_t>(adapter)],
           .skip_layers = pick(0, request.layers),
           .reads = pick(0, 1) ? Reads::kCls : Reads::kAllRows});
    }
    for (int layer = 0; layer < request.layers; ++layer) {
      if (pick(0, 3) == 0) text.taps.push_back(RandomTap(layer, request.layers, random));
    }
    if (pick(0, 1)) text.keep = RandomTap(pick(0, request.layers - 1), request.layers, random);
    request.texts.push_back(std::move(text));
  }
  return request;
}

}  // namespace fathom
