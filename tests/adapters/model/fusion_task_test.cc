#include "adapters/model/fusion_task.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/randn_like.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/stack.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "adapters/model/attention_meter.h"
#include "adapters/model/prune_fusion.h"
#include "runtime/pass/ops/activation.h"
#include "tests/adapters/finite_differences.h"
#include "tests/support/random_model.h"

namespace fathom::training {
namespace {

constexpr int kHidden = 24;
constexpr int kLayers = 4;
constexpr Place kFfn = Place::kFfn;

FusionDesign ThreeMembers() {
  AdapterLayout scaled = PfeifferLayout(kLayers);
  scaled.sites[1]->activation = Activation::kSilu;
  scaled.sites[1]->scaling = 0.5;
  return {.member_names = {"a", "b", "c"},
          .members = {RandomAdapter(PfeifferLayout(kLayers), kHidden, 6, 1),
                      RandomAdapter(PfeifferLayout(kLayers, {2}), kHidden, 4, 2),
                      RandomAdapter(scaled, kHidden, 6, 3)},
          .hidden_size = kHidden,
          .labels = {"no", "yes"}};
}

// All parameters random, also those that training starts at 0.
void Randomize(const FusionTask& task) {
  at::manual_seed(5);
  const at::NoGradGuard no_grad;
  for (const auto& [name, parameter] : task.named()) {
    parameter.add_(at::randn_like(parameter), 0.2);
  }
}

// The fusion as the paper writes it: a key and a value of every member's output.
at::Tensor PlainFusion(const Fusion& fusion, int layer, const at::Tensor& input) {
  const FusionLayer& fused = *fusion.layers[static_cast<size_t>(layer)][1];
  std::vector<at::Tensor> scores;
  std::vector<at::Tensor> values;
  const at::Tensor query = at::linear(input, fused.query_weight, fused.query_bias);
  for (const Adapter& member : fusion.members) {
    if (!member.layout.HasModule(layer, kFfn)) continue;
    const AdapterModule& module = member.module(layer, kFfn);
    const AdapterSite& site = *member.layout.site(kFfn);
    const at::Tensor output =
        at::linear(
            ops::Activate(at::linear(input, module.down_weight, module.down_bias), site.activation),
            module.up_weight, module.up_bias) *
        site.scaling;
    scores.push_back((query * at::linear(output, fused.key_weight, fused.key_bias)).sum(1));
    values.push_back(at::linear(output, fused.value_weight));
  }
  const at::Tensor attention = at::softmax(at::stack(scores, 1), 1).unsqueeze(1);  // [R, 1, K]
  return at::matmul(attention, at::stack(values, 1)).squeeze(1);
}

TEST(FusionTask, EqualsTheFormulaOfThePaper) {
  const FusionTask task(ThreeMembers(), 9);
  Randomize(task);
  Dropout dropout(1);
  const at::Tensor input = at::randn({7, kHidden});
  const Fusion frozen = task.FrozenFusion(WeightDtype::kFp32);
  for (int layer = 0; layer < kLayers; ++layer) {
    const at::NoGradGuard no_grad;
    const at::Tensor difference =
        task.Delta(layer, kFfn, input, dropout) - PlainFusion(frozen, layer, input);
    EXPECT_LE(difference.abs().max().item<float>(), 1e-4f) << "layer " << layer;
  }
}

TEST(FusionTask, GradientsEqualFiniteDifferences) {
  FusionDesign design = ThreeMembers();
  // Differences across the kink of a ReLU are no derivative.
  for (Adapter& member : design.members) member.layout.sites[1]->activation = Activation::kSilu;
  const FusionTask task(design, 9);
  Randomize(task);
  Dropout dropout(1);
  const at::Tensor input = at::randn({5, kHidden});
  const at::Tensor weights = at::randn({5, kHidden});
  const auto value = [&] {
    return (task.Delta(1, kFfn, input, dropout) * weights).to(at::kDouble).sum() + task.Penalty();
  };
  value().backward();
  for (const char* name : {"query_weight", "query_bias", "key_weight", "value_weight"}) {
    const at::Tensor& parameter = task.named().at(std::string("fusion.1.ffn.") + name);
    ExpectGradientIsDifference(parameter, value, 1e-3, name);
  }
}

TEST(FusionTask, StartsNearTheMeanOfItsMembers) {
  const FusionTask task(ThreeMembers(), 9);
  const at::Tensor attention = task.Attention(0, kFfn, at::randn({5, kHidden}));
  EXPECT_LE((attention - 1.0 / 3).abs().max().item<float>(), 0.2f);
  EXPECT_NEAR(task.Penalty().item<double>(), 0.01 * kLayers * kHidden * (kHidden - 1) * 1e-12,
              1e-9);
}

TEST(AttentionMeter, MeansAreOfTheStandingMembers) {
  const FusionTask task(ThreeMembers(), 9);
  Randomize(task);
  AttentionMeter meter(task);
  Dropout dropout(1);
  const at::NoGradGuard no_grad;
  const at::Tensor first = at::randn({3, kHidden});
  const at::Tensor second = at::randn({5, kHidden});
  meter.Delta(2, kFfn, first, dropout);
  meter.Delta(2, kFfn, second, dropout);
  const std::vector<double> mean = meter.Mean()[2][1];
  ASSERT_EQ(mean.size(), 3u);
  EXPECT_EQ(mean[1], 0) << "b does not stand in layer 2";
  EXPECT_NEAR(mean[0] + mean[2], 1, 1e-6);
  const double expected =
      (task.Attention(2, kFfn, first).sum(0) + task.Attention(2, kFfn, second).sum(0))[0]
          .item<double>() /
      8;
  EXPECT_NEAR(mean[0], expected, 1e-6);
  EXPECT_TRUE(meter.Mean()[1][1].empty()) << "nothing was measured there";
}

TEST(PruneFusion, KeepsTheMostUsedOfEachLayer) {
  const Fusion fusion = FusionTask(ThreeMembers(), 9).FrozenFusion(WeightDtype::kFp32);
  MemberWeights weights(kLayers);
  weights[0][1] = {0.2, 0.5, 0.3};
  weights[1][1] = {0.1, 0.2, 0.7};
  weights[2][1] = {0.6, 0.0, 0.4};
  weights[3][1] = {0.4, 0.3, 0.3};
  const auto pruned = PruneFusion(fusion, weights, 2);
  ASSERT_TRUE(pruned.ok()) << pruned.status();
  // c stands in all layers, or as many as any other: of the members, b in 0 and 1, c in 0, 1 and 2.
  const auto left_out = [&](const std::string& name) {
    for (size_t i = 0; i < pruned->members.size(); ++i) {
      if (pruned->member_names[i] == name) return pruned->members[i].layout.left_out;
    }
    return std::vector<bool>();
  };
  EXPECT_EQ(left_out("a"), (std::vector<bool>{true, true, false, false}));
  EXPECT_EQ(left_out("b"), (std::vector<bool>{false, false, true, false}));
  EXPECT_EQ(left_out("c"), (std::vector<bool>{false, false, false, true}));
  EXPECT_EQ(PruneFusion(fusion, weights, 0).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(PruneFusion(fusion, weights, 4).status().message(),
            "--keep 4: the fusion has 3 adapters, keep 1 … 3");

  weights[2][1] = {0, 0, 0.4};
  const auto one = PruneFusion(fusion, weights, 1);
  ASSERT_TRUE(one.ok()) << one.status();
  EXPECT_EQ(one->member_names.back(), "c") << "it stands in most layers";
}

}  // namespace
}  // namespace fathom::training
