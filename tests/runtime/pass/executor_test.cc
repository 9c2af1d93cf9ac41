// The exactness rule: the answer of (text, task, n) does not depend on what else is in the pass.
#include "runtime/pass/executor.h"

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/abs.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/max.h>
#include <ATen/ops/tensor.h>
#include <c10/core/InferenceMode.h>

#include <random>

#include "gtest/gtest.h"
#include "tests/support/random_model.h"

namespace fathom {
namespace {

constexpr double kTolerance = 1e-4;

double MaxDifference(const at::Tensor& a, const at::Tensor& b) {
  return (a - b).abs().max().item<double>();
}

// Adapters of every architecture, widths that differ, with and without left out layers.
class ExecutorTest : public testing::Test {
 protected:
  ExecutorTest() : config_(SmallEncoderConfig()), encoder_(RandomEncoder(config_, 1)) {
    at::set_num_threads(1);  // the matrices are too small to share
    const int layers = config_.layers;
    Add(PfeifferLayout(layers), 8);
    Add(PfeifferLayout(layers, {1, 3}), 5);
    Add(HoulsbyLayout(layers), 4);
    Add(HoulsbyLayout(layers, {0}), 1);
    Add(ParallelLayout(layers), 16);
    Add(PfeifferLayout(layers, {0, 1, 2, 3}), 3);  // no module at all
  }

  void Add(const AdapterLayout& layout, int bottleneck) {
    adapters_.push_back(
        RandomAdapter(layout, config_.hidden_size, bottleneck, 100 + adapters_.size()));
  }

  PlanTask Task(int adapter, int skip_layers) const {
    if (adapter < 0) return {.adapter = PlanTask::kNoAdapter, .skip_layers = skip_layers};
    return {.adapter = adapter,
            .layout = &adapters_[static_cast<size_t>(adapter)].layout,
            .skip_layers = skip_layers};
  }

  // The states of every (text, task) in the order of the plan's outputs, copied.
  std::vector<at::Tensor> Run(Executor& executor, const std::vector<PlanText>& plan_texts,
                              const std::vector<const TokenizedText*>& texts) const {
    std::vector<const Adapter*> adapters;
    for (const Adapter& adapter : adapters_) adapters.push_back(&adapter);
    const PassPlan plan = PlanPass(config_.layers, plan_texts);
    const at::Tensor state = executor.Run(plan, texts, adapters);
    std::vector<at::Tensor> outputs;
    for (const PlanOutput& output : plan.outputs) {
      outputs.push_back(state.narrow(0, output.rows.first, output.rows.count).clone());
    }
    return outputs;
  }

  // The same, each (text, task) in a pass of its own.
  std::vector<at::Tensor> RunAlone(Executor& executor, const std::vector<PlanText>& plan_texts,
                                   const std::vector<const TokenizedText*>& texts) const {
    std::vector<at::Tensor> outputs;
    for (size_t text = 0; text < texts.size(); ++text) {
      for (const PlanTask& task : plan_texts[text].tasks) {
        PlanText alone{.tokens = plan_texts[text].tokens, .tasks = {task}};
        alone.tasks[0].reads = Reads::kAllRows;  // what is compared with computes all of it
        outputs.push_back(Run(executor, {alone}, {texts[text]})[0]);
      }
    }
    return outputs;
  }

  const EncoderConfig config_;
  const std::shared_ptr<const Encoder> encoder_;
  std::vector<Adapter> adapters_;
};

TEST_F(ExecutorTest, AnyMixInOnePassEqualsEachAlone) {
  const c10::InferenceMode inference;
  Executor mixed(encoder_);
  Executor alone(encoder_, ops::ReferenceOps());
  std::mt19937 random(7);
  const auto pick = [&](int low, int high) {
    return std::uniform_int_distribution<int>(low, high)(random);
  };
  const int adapter_count = static_cast<int>(adapters_.size());
  for (int mix = 0; mix < 300; ++mix) {
    std::vector<TokenizedText> texts;
    for (int i = pick(1, 5); i > 0; --i) texts.push_back(RandomText(config_, pick(1, 9), random));
    if (pick(0, 3) == 0) texts.push_back(texts.front());  // one text twice
    std::vector<PlanText> plan_texts;
    std::vector<const TokenizedText*> pointers;
    for (const TokenizedText& text : texts) {
      PlanText plan_text{.tokens = static_cast<int32_t>(text.ids.size())};
      for (int i = pick(1, 6); i > 0; --i) {
        plan_text.tasks.push_back(Task(pick(-1, adapter_count - 1), pick(0, config_.layers)));
        if (pick(0, 1)) plan_text.tasks.back().reads = Reads::kCls;
      }
      plan_texts.push_back(std::move(plan_text));
      pointers.push_back(&text);
    }
    const std::vector<at::Tensor> together = Run(mixed, plan_texts, pointers);
    const std::vector<at::Tensor> each = RunAlone(alone, plan_texts, pointers);
    ASSERT_EQ(together.size(), each.size());
    for (size_t i = 0; i < each.size(); ++i) {
      const at::Tensor expected = each[i].narrow(0, 0, together[i].size(0));  // [CLS], or all rows
      ASSERT_LE(MaxDifference(together[i], expected), kTolerance)
          << "mix " << mix << " output " << i;
    }
  }
}

TEST_F(ExecutorTest, DepthsOfOneAdapterDiffer) {
  const c10::InferenceMode inference;
  Executor executor(encoder_);
  std::mt19937 random(8);
  const TokenizedText text = RandomText(config_, 6, random);
  const std::vector<at::Tensor> outputs =
      Run(executor, {{.tokens = 6, .tasks = {Task(0, 0), Task(0, 1), Task(0, 4), Task(-1, 0)}}},
          {&text});
  EXPECT_GT(MaxDifference(outputs[0], outputs[1]), 0.01);
  EXPECT_GT(MaxDifference(outputs[1], outputs[2]), 0.01);
  EXPECT_EQ(MaxDifference(outputs[2], outputs[3]), 0) << "n = L is the raw encoder";
}

TEST_F(ExecutorTest, ANanInOneTaskStaysInItsRows) {
  const c10::InferenceMode inference;
  Executor executor(encoder_);
  std::mt19937 random(9);
  const TokenizedText text = RandomText(config_, 5, random);
  const std::vector<PlanText> plan = {{.tokens = 5, .tasks = {Task(0, 0), Task(2, 0), Task(4, 1)}}};
  const std::vector<at::Tensor> before = Run(executor, plan, {&text});
  adapters_[0].modules[0][static_cast<size_t>(Place::kFfn)]->up_bias[3] = NAN;
  const std::vector<at::Tensor> after = Run(executor, plan, {&text});
  EXPECT_TRUE(after[0].isnan().any().item<bool>());
  EXPECT_EQ(MaxDifference(before[1], after[1]), 0);
  EXPECT_EQ(MaxDifference(before[2], after[2]), 0);
}

TEST_F(ExecutorTest, ATrunkIsWhereTheBranchForks) {
  Executor executor(encoder_);
  std::mt19937 random(10);
  const TokenizedText a = RandomText(config_, 4, random);
  const TokenizedText b = RandomText(config_, 1, random);
  const TrunkState trunk = executor.RunTrunk({&a, &b}, {2, Place::kFfn});
  EXPECT_EQ(trunk.dense.sizes(), (std::vector<int64_t>{5, config_.hidden_size}));
  EXPECT_FALSE(trunk.dense.is_inference());
  EXPECT_FALSE(trunk.residual.is_inference());

  // Finishing layer 2 and running layer 3 by hand gives what a pass gives.
  const c10::InferenceMode inference;
  Executor reference(encoder_, ops::ReferenceOps());
  const TrunkState next = reference.RunTrunk({&a, &b}, {3, Place::kAttention});
  EXPECT_TRUE(next.cls_only);
  at::Tensor out = at::empty_like(trunk.dense);
  const EpilogueSegment all{.count = 5};
  ops::ReferenceOps().residual_norm({.dense = trunk.dense,
                                     .residual = trunk.residual,
                                     .segments = {&all, 1},
                                     .norm = encoder_->layer(2).ffn_norm,
                                     .epsilon = config_.layer_norm_eps},
                                    out);
  const at::Tensor cls_rows = at::tensor(std::vector<int64_t>{0, 4});
  EXPECT_LE(MaxDifference(at::index_select(out, 0, cls_rows), next.residual), 1e-5);
}

TEST_F(ExecutorTest, ATrunkGoesOnFromAnyOfItsStates) {
  Executor executor(encoder_);
  std::mt19937 random(12);
  const TokenizedText a = RandomText(config_, 4, random);
  const TokenizedText b = RandomText(config_, 7, random);
  for (int last = 0; last < 2 * config_.layers; ++last) {
    const Fork fork{last / 2, static_cast<Place>(last % 2)};
    const TrunkState whole = executor.RunTrunk({&a, &b}, fork);
    EXPECT_EQ(whole.at, fork);
    EXPECT_EQ(whole.cls_only, fork.layer == config_.layers - 1);
    EXPECT_EQ(whole.dense.size(0), whole.cls_only ? 2 : 11);
    EXPECT_EQ(whole.residual.sizes(), whole.dense.sizes());
    for (int layer = 0; Fork{layer, Place::kFfn} <= fork; ++layer) {
      const TrunkState from = executor.RunTrunk({&a, &b}, {layer, Place::kFfn});
      const TrunkState state = executor.RunTrunk({&a, &b}, fork, &from);
      EXPECT_EQ(state.at, fork);
      EXPECT_EQ(MaxDifference(state.dense, whole.dense), 0) << layer << " to " << fork.layer;
      EXPECT_EQ(MaxDifference(state.residual, whole.residual), 0) << layer << " to " << fork.layer;
      EXPECT_FALSE(state.dense.is_inference());
    }
  }
}

TEST_F(ExecutorTest, ATrunkShowsWhatItsStatesAre) {
  Executor executor(encoder_);
  Executor other(encoder_);
  std::mt19937 random(13);
  const TokenizedText a = RandomText(config_, 4, random);
  const TokenizedText b = RandomText(config_, 7, random);
  std::vector<Fork> shown;
  executor.ShowTrunk({&a, &b}, {3, Place::kAttention}, [&](const TrunkState& state) {
    shown.push_back(state.at);
    const TrunkState same = other.RunTrunk({&a, &b}, state.at);
    EXPECT_EQ(MaxDifference(state.dense, same.dense), 0);
    EXPECT_EQ(MaxDifference(state.residual, same.residual), 0);
    EXPECT_EQ(state.cls_only, same.cls_only);
  });
  ASSERT_EQ(shown.size(), 7u);
  EXPECT_EQ(shown.back(), (Fork{3, Place::kAttention}));
}

TEST_F(ExecutorTest, RefusesAPlanOfOtherTexts) {
  Executor executor(encoder_);
  std::mt19937 random(11);
  const TokenizedText text = RandomText(config_, 3, random);
  const PassPlan plan = PlanPass(config_.layers, {{.tokens = 4, .tasks = {Task(-1, 0)}}});
  EXPECT_THROW(executor.Run(plan, {&text}, {}), c10::Error);
}

}  // namespace
}  // namespace fathom
