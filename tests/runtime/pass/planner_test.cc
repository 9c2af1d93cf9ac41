// PlanPass against an independent counter and simulator: both know only the rules of a plan and of
// the method, not how the planner works.
#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <tuple>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "runtime/pass/plan.h"

namespace fathom {
namespace {

AdapterLayout Pfeiffer(int layers, std::set<int> left_out = {}) {
  AdapterLayout layout;
  layout.sites[static_cast<size_t>(Place::kFfn)] = AdapterSite{};
  for (int l = 0; l < layers; ++l) layout.left_out.push_back(left_out.contains(l));
  return layout;
}

AdapterLayout Houlsby(int layers, std::set<int> left_out = {}) {
  AdapterLayout layout = Pfeiffer(layers, std::move(left_out));
  layout.sites[static_cast<size_t>(Place::kAttention)] =
      AdapterSite{.input = AdapterInput::kDense, .activation = Activation::kSilu};
  return layout;
}

struct Request {
  int layers = 0;
  std::vector<AdapterLayout> layouts;  // one an adapter
  std::vector<PlanText> texts;
};

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

// Executes a plan on histories instead of numbers, and checks the rules of a plan on the way.
std::vector<History> Simulate(const PassPlan& plan) {
  std::vector<History> rows;
  for (size_t text = 0; text < plan.text_tokens.size(); ++text) {
    for (int token = 0; token < plan.text_tokens[text]; ++token) {
      rows.push_back({static_cast<int>(text), token, {}});
    }
  }
  for (const Stage& stage : plan.stages) {
    EXPECT_EQ(stage.rows_in, static_cast<int32_t>(rows.size()));
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
    std::vector<History> next(static_cast<size_t>(stage.rows_out));
    std::pair<int, int> last_key{-2, -1};
    for (const EpilogueSegment& segment : stage.epilogue) {
      EXPECT_LT(last_key, std::pair(segment.adapter, segment.dst_first)) << "segments are sorted";
      last_key = {segment.adapter, segment.dst_first};
      for (int i = 0; i < segment.count; ++i) {
        History& out = next[static_cast<size_t>(segment.dst_first + i)];
        EXPECT_EQ(out.text, -1) << "a row is written twice";
        out = dense[static_cast<size_t>(segment.src_first + i)];
        EXPECT_EQ(out, rows[static_cast<size_t>(segment.residual_first + i)]);
        if (segment.adapter >= 0) {
          out.modules.emplace_back(stage.layer, stage.place, segment.adapter);
        }
      }
    }
    for (const History& row : next) EXPECT_NE(row.text, -1) << "a row is not written";
    rows = std::move(next);
  }
  return rows;
}

// Row-layers of a text by the method alone: at each stage, as many rows as there are distinct
// states that somebody still needs. A state is known by the modules it went through. In the last of
// several layers, a state whose readers all want [CLS] is one row.
double BruteForceRun(const Request& request, int text) {
  const PlanText& plan_text = request.texts[static_cast<size_t>(text)];
  double run = 0;
  for (int layer = 0; layer < request.layers; ++layer) {
    for (Place place : {Place::kAttention, Place::kFfn}) {
      std::map<std::vector<std::tuple<int, Place, int>>, int> states;  // to rows
      for (size_t task = 0; task < plan_text.tasks.size(); ++task) {
        auto modules = Expected(request, text, static_cast<int>(task), 0).modules;
        std::erase_if(modules, [&](const auto& module) {
          return std::pair(std::get<0>(module), std::get<1>(module)) >= std::pair(layer, place);
        });
        const bool one_row =
            layer > 0 && layer == request.layers - 1 && plan_text.tasks[task].reads == Reads::kCls;
        int& rows = states[std::move(modules)];
        rows = std::max(rows, one_row ? 1 : plan_text.tokens);
      }
      for (const auto& [modules, rows] : states) {
        run += rows * (place == Place::kAttention ? 1.0 / 3 : 2.0 / 3);
      }
    }
  }
  return run;
}

void CheckPlan(const Request& request) {
  const PassPlan plan = PlanPass(request.layers, request.texts);
  ASSERT_EQ(plan.stages.size(), static_cast<size_t>(2 * request.layers));
  const std::vector<History> rows = Simulate(plan);

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
    const double run = BruteForceRun(request, static_cast<int>(text));
    EXPECT_NEAR(plan.work[text].row_layers_run, run, 1e-6);
    EXPECT_NEAR(plan.work[text].row_layers_shared, alone - run, 1e-6);
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
    request.layouts.push_back(pick(0, 1) ? Pfeiffer(request.layers, left_out)
                                         : Houlsby(request.layers, left_out));
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
    request.texts.push_back(std::move(text));
  }
  return request;
}

TEST(PlanPass, AgreesWithBruteForceOnRandomMixes) {
  std::mt19937 random(20201);
  for (int i = 0; i < 3000; ++i) {
    SCOPED_TRACE(i);
    CheckPlan(RandomRequest(random));
    if (HasFailure()) break;
  }
}

double RunOf(const AdapterLayout& layout, int layers, std::vector<int> skip_layers) {
  PlanText text{.tokens = 1};
  for (size_t i = 0; i < skip_layers.size(); ++i) {
    text.tasks.push_back(
        {.adapter = static_cast<int>(i), .layout = &layout, .skip_layers = skip_layers[i]});
  }
  return PlanPass(layers, {text}).work[0].row_layers_run;
}

// (n + 1) + T(11 − n): Table 2 of the paper, by its own arithmetic.
TEST(PlanPass, CountsThePapersTable2ForPfeiffer) {
  const AdapterLayout layout = Pfeiffer(12);
  for (int tasks : {1, 2, 4, 8, 16}) {
    for (int n = 0; n < 12; ++n) {
      EXPECT_NEAR(RunOf(layout, 12, std::vector<int>(static_cast<size_t>(tasks), n)),
                  (n + 1) + tasks * (11 - n), 1e-9);
    }
  }
}

TEST(PlanPass, RunsTheTrunkToTheDeepestForkOfATextWithMixedDepths) {
  EXPECT_NEAR(RunOf(Pfeiffer(12), 12, {5, 11}), 18, 1e-9);
}

TEST(PlanPass, ForksHoulsbyAfterTheAttentionOutput) {
  // (n + 1/3) + T(L − 1 − n + 2/3)
  EXPECT_NEAR(RunOf(Houlsby(12), 12, {5, 5}), 5 + 1.0 / 3 + 2 * (6 + 2.0 / 3), 1e-9);
}

TEST(PlanPass, SharesTheWholeEncoderAtDepthL) {
  EXPECT_NEAR(RunOf(Pfeiffer(12), 12, {12, 12, 12}), 12, 1e-9);
}

// Only the [CLS] row goes through the last layer: of S tokens, (n + 1) S + T (10 − n) S + T rows
// for n <= 10, and 11 S + 1 at n = 11 whatever T (Pfeiffer, L = 12).
TEST(PlanPass, RunsOneRowInTheLastLayerForHeadsThatReadCls) {
  const AdapterLayout layout = Pfeiffer(12);
  const int tokens = 32;
  for (int tasks : {1, 8}) {
    for (int n = 0; n <= 12; ++n) {
      PlanText text{.tokens = tokens};
      for (int task = 0; task < tasks; ++task) {
        text.tasks.push_back(
            {.adapter = task, .layout = &layout, .skip_layers = n, .reads = Reads::kCls});
      }
      const double law = n <= 10 ? (n + 1 + tasks * (10 - n)) * tokens + tasks : 11 * tokens + 1;
      EXPECT_NEAR(PlanPass(12, {text}).work[0].row_layers_run, law, 1e-9) << "n = " << n;
    }
  }
}

TEST(PlanPass, MakesOneSegmentOfTwoTextsThatShareATask) {
  const AdapterLayout layout = Pfeiffer(2);
  const PlanTask task{.adapter = 0, .layout = &layout, .skip_layers = 0};
  const PassPlan plan =
      PlanPass(2, {{.tokens = 3, .tasks = {task}}, {.tokens = 2, .tasks = {task}}});
  const EpilogueSegment all{.count = 5, .adapter = 0};
  EXPECT_THAT(plan.stages[1].epilogue, testing::ElementsAre(all));
  EXPECT_THAT(plan.stages[3].epilogue, testing::ElementsAre(all));
}

TEST(PlanPass, ComputesOneTaskAskedTwiceOnce) {
  const AdapterLayout layout = Pfeiffer(3);
  const PlanTask task{.adapter = 0, .layout = &layout, .skip_layers = 1};
  const PassPlan plan = PlanPass(3, {{.tokens = 4, .tasks = {task, task}}});
  EXPECT_EQ(plan.outputs[0].rows, plan.outputs[1].rows);
  EXPECT_NEAR(plan.work[0].row_layers_run, 12, 1e-9);
}

TEST(PlanPass, DoesNotDependOnTheOrderOfTasks) {
  const AdapterLayout a = Pfeiffer(4), b = Houlsby(4, {2});
  std::vector<PlanTask> tasks = {{.adapter = 0, .layout = &a, .skip_layers = 1},
                                 {.adapter = 1, .layout = &b, .skip_layers = 2},
                                 {.adapter = 0, .layout = &a, .skip_layers = 3},
                                 {.adapter = PlanTask::kNoAdapter}};
  const PassPlan forward = PlanPass(4, {{.tokens = 3, .tasks = tasks}});
  std::reverse(tasks.begin(), tasks.end());
  const PassPlan backward = PlanPass(4, {{.tokens = 3, .tasks = tasks}});
  for (size_t s = 0; s < forward.stages.size(); ++s) {
    EXPECT_EQ(forward.stages[s].epilogue, backward.stages[s].epilogue);
  }
  for (size_t i = 0; i < tasks.size(); ++i) {
    EXPECT_EQ(forward.outputs[i].rows, backward.outputs[tasks.size() - 1 - i].rows);
  }
}

}  // namespace
}  // namespace fathom
