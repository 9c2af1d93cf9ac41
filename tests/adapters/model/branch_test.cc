#include "adapters/model/branch.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/randn_like.h>
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "adapters/model/adapter_task.h"
#include "adapters/model/architecture.h"
#include "adapters/model/frozen_encoder.h"
#include "runtime/pass/plan.h"
#include "tests/adapters/finite_differences.h"
#include "tests/support/random_model.h"

namespace fathom::training {
namespace {

constexpr DropoutRates kNoDropout = {};
constexpr int kBottleneck = 6;

class BranchTest : public testing::Test {
 protected:
  BranchTest() {
    std::mt19937 random(11);
    for (int tokens : {7, 1, 7, 12, 3, 3}) {
      texts_.push_back(RandomText(config_, tokens, random));
    }
    for (const TokenizedText& text : texts_) pointers_.push_back(&text);
  }

  at::Tensor Differentiable(const TrainableTask& task, int skip_layers) {
    const Fork fork = *FindFork(task.layout(), skip_layers);
    const PackedTexts packed = Pack(pointers_);
    const TrunkState trunk = executor_.RunTrunk(pointers_, fork);
    Dropout dropout(1);
    return Branch(differentiable_, task, kNoDropout, dropout)
        .ClsStates({.texts = packed, .trunk = trunk, .fork = fork});
  }

  // All of its parameters are random, also those that training starts at 0.
  AdapterTask RandomTask(const AdapterLayout& layout) const {
    AdapterTask task({.layout = layout,
                      .hidden_size = config_.hidden_size,
                      .widths = std::vector<int>(static_cast<size_t>(config_.layers), kBottleneck),
                      .labels = {"a", "b"}},
                     7);
    const at::NoGradGuard no_grad;
    for (const auto& [name, parameter] : task.named()) {
      parameter.add_(at::randn_like(parameter), 0.2);
    }
    return task;
  }

  at::Tensor Served(const Adapter& adapter, int skip_layers) {
    std::vector<PlanText> plan_texts;
    for (const TokenizedText& text : texts_) {
      plan_texts.push_back(
          {static_cast<int32_t>(text.ids.size()),
           {{.adapter = 0, .layout = &adapter.layout, .skip_layers = skip_layers}}});
    }
    const PassPlan plan = PlanPass(config_.layers, plan_texts);
    const Adapter* adapters[] = {&adapter};
    const at::Tensor states = executor_.Run(plan, pointers_, adapters);
    std::vector<int64_t> rows;
    for (const PlanOutput& output : plan.outputs) rows.push_back(output.rows.first);
    return at::index_select(states, 0, at::tensor(rows));
  }

  const EncoderConfig config_ = SmallEncoderConfig();
  const std::shared_ptr<const Encoder> encoder_ = RandomEncoder(config_, 3);
  const FrozenEncoder differentiable_{encoder_, {0, Place::kAttention}};
  Executor executor_{encoder_};
  std::vector<TokenizedText> texts_;
  std::vector<const TokenizedText*> pointers_;
};

struct LayoutCase {
  const char* title;
  AdapterLayout layout;
};

std::vector<LayoutCase> Layouts() {
  return {{"pfeiffer", PfeifferLayout(4)},
          {"houlsby", HoulsbyLayout(4)},
          {"parallel", ParallelLayout(4)},
          {"pfeiffer without layers 1 and 2", PfeifferLayout(4, {1, 2})},
          {"houlsby without layers 0 and 2", HoulsbyLayout(4, {0, 2})}};
}

TEST_F(BranchTest, EqualsTheExecutorAtEveryDepth) {
  for (const LayoutCase& one : Layouts()) {
    const AdapterTask task = RandomTask(one.layout);
    const Adapter adapter = task.Freeze(WeightDtype::kFp32).adapter;
    for (int n = 0; n < config_.layers; ++n) {
      const at::NoGradGuard no_grad;
      const at::Tensor difference = (Differentiable(task, n) - Served(adapter, n)).abs().max();
      EXPECT_LE(difference.item<float>(), 1e-5f) << one.title << ", n = " << n;
    }
  }
}

TEST_F(BranchTest, GradientsEqualFiniteDifferences) {
  for (const char* name : {"pfeiffer", "houlsby", "parallel"}) {
    Architecture architecture = *FindArchitecture(name, config_.layers);
    for (std::optional<AdapterSite>& site : architecture.layout.sites) {
      // Differences across the kink of a ReLU are no derivative.
      if (site) site->activation = Activation::kSilu;
    }
    const AdapterTask task = RandomTask(architecture.layout);
    const at::Tensor weights = at::randn_like(Differentiable(task, 1).detach());
    // Summed in double: the difference of two close sums is what is looked at.
    const auto value = [&] { return (Differentiable(task, 1) * weights).to(at::kDouble).sum(); };
    value().backward();
    for (const auto& [parameter_name, parameter] : task.named()) {
      const bool trained =
          parameter_name.starts_with("adapter.") && !parameter_name.starts_with("adapter.0.");
      ASSERT_EQ(parameter.grad().defined(), trained) << name << " " << parameter_name;
      if (!trained) continue;
      ExpectGradientIsDifference(parameter, value, 2e-3, std::string(name) + " " + parameter_name);
    }
  }
}

TEST_F(BranchTest, NeverTouchesLayersBelowTheDepth) {
  const AdapterTask task = RandomTask(HoulsbyLayout(config_.layers));
  for (int n = 0; n < config_.layers; ++n) {
    for (const auto& [name, parameter] : task.named()) parameter.mutable_grad().reset();
    Differentiable(task, n).sum().backward();
    for (int layer = 0; layer < config_.layers; ++layer) {
      for (const Place place : {Place::kAttention, Place::kFfn}) {
        const AdapterModule& module = task.adapter().module(layer, place);
        EXPECT_EQ(module.up_weight.grad().defined(), layer >= n) << "n " << n << " layer " << layer;
      }
    }
  }
  EXPECT_FALSE(encoder_->layer(3).ffn_in.weight().requires_grad());
}

TEST_F(BranchTest, ADroppedTrunkWithoutDropoutIsTheTrunk) {
  const AdapterTask task = RandomTask(HoulsbyLayout(config_.layers));
  const PackedTexts packed = Pack(pointers_);
  Dropout dropout(1);
  for (const Fork fork : {Fork{0, Place::kAttention}, Fork{2, Place::kFfn}}) {
    const TrunkState served = executor_.RunTrunk(pointers_, fork);
    const TrunkState trunk = Branch(differentiable_, task, kNoDropout, dropout)
                                 .DroppedTrunk({.tokens = pointers_, .packed = packed}, fork);
    EXPECT_LE((trunk.dense - served.dense).abs().max().item<float>(), 1e-5f);
    EXPECT_LE((trunk.residual - served.residual).abs().max().item<float>(), 1e-5f);
  }
  const DropoutRates rates{.hidden = 0.5};
  const auto dropped = [&] {
    Dropout of_a_step(3);
    return Branch(differentiable_, task, rates, of_a_step)
        .DroppedTrunk({.tokens = pointers_, .packed = packed}, {1, Place::kFfn})
        .dense;
  };
  EXPECT_TRUE(dropped().equal(dropped()));
  EXPECT_NEAR((dropped() == 0).to(at::kDouble).mean().item<double>(), 0.5, 0.1);
}

TEST(Dropout, KeepsTheMeanAndRepeatsForItsSeed) {
  const at::Tensor ones = at::tensor(std::vector<float>(20000, 1.0f));
  Dropout first(4);
  Dropout second(4);
  Dropout other(5);
  const at::Tensor dropped = first(ones, 0.25);
  EXPECT_TRUE(dropped.equal(second(ones, 0.25)));
  EXPECT_FALSE(dropped.equal(other(ones, 0.25)));
  EXPECT_NEAR(dropped.mean().item<double>(), 1.0, 0.02);
  EXPECT_NEAR((dropped == 0).to(at::kDouble).mean().item<double>(), 0.25, 0.02);
}

TEST(Dropout, TheGradientIsDroppedAlike) {
  const at::Tensor x = at::randn({7, 9}).set_requires_grad(true);
  Dropout dropout(4);
  const at::Tensor dropped = dropout(x, 0.3);
  dropped.sum().backward();
  EXPECT_TRUE((x.grad() * x).detach().allclose(dropped.detach()));
  EXPECT_GT((x.grad() == 0).sum().item<int64_t>(), 0);
}

TEST(Dropout, OfNothingIsTheInputItself) {
  const at::Tensor x = at::tensor({1.0f, 2.0f});
  Dropout dropout(4);
  EXPECT_TRUE(dropout(x, 0).is_same(x));
}

TEST(Architecture, IsWiredLikeTheLibrary) {
  const Architecture houlsby = *FindArchitecture("houlsby", 3);
  EXPECT_EQ(houlsby.layout.site(Place::kAttention)->input, AdapterInput::kDense);
  EXPECT_EQ(houlsby.layout.site(Place::kFfn)->activation, Activation::kSilu);
  EXPECT_FALSE(FindArchitecture("pfeiffer", 3)->layout.site(Place::kAttention).has_value());
  EXPECT_EQ(FindArchitecture("parallel", 3)->layout.site(Place::kFfn)->scaling, 4.0);
  EXPECT_FALSE(FindArchitecture("lora", 3).has_value());
}

TEST(BottleneckWidths, ReadOneFactorOrTheLibrarysMap) {
  const EncoderConfig encoder{.layers = 3, .hidden_size = 768};
  EXPECT_EQ(*BottleneckWidths("16", encoder), (std::vector<int>{48, 48, 48}));
  EXPECT_EQ(*BottleneckWidths("1000", encoder), (std::vector<int>{1, 1, 1}));
  EXPECT_EQ(*BottleneckWidths("1.33", encoder), (std::vector<int>{577, 577, 577}));
  EXPECT_EQ(*BottleneckWidths("0=8,2=4,default=16", encoder), (std::vector<int>{96, 48, 192}));
  for (const char* wrong : {"", "0", "-2", "0=8", "3=8,default=4", "0=8,0=4,default=2",
                            "default=much", "default=4,", "x=1,default=2", "nan"}) {
    EXPECT_FALSE(BottleneckWidths(wrong, encoder).ok()) << wrong;
  }
}

}  // namespace
}  // namespace fathom::training
