// Absorbed fusions against the formula of fusion.h, written out member by member.
#include "runtime/task/fusion.h"

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/isnan.h>
#include <ATen/ops/layer_norm.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/sum.h>
#include <ATen/ops/zeros_like.h>

#include <cmath>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "runtime/pass/ops/activation.h"
#include "runtime/pass/ops/op_table.h"
#include "runtime/task/loaded_task.h"
#include "runtime/task/pack_weights.h"
#include "tests/support/random_model.h"

namespace fathom {
namespace {

constexpr int kLayers = 3;
constexpr int kHidden = 32;
constexpr int kRows = 9;
constexpr double kTolerance = 2e-5;

AdapterLayout WithActivation(AdapterLayout layout, Activation activation, double scaling) {
  for (auto& site : layout.sites) {
    if (!site) continue;
    site->activation = activation;
    site->scaling = scaling;
  }
  return layout;
}

// f and x of the place, and its LayerNorm.
struct PlaceInputs {
  at::Tensor f = at::randn({kRows, kHidden});
  at::Tensor x = at::randn({kRows, kHidden});
  LayerNormWeights norm = {.gamma = at::randn({kHidden}), .beta = at::randn({kHidden})};

  at::Tensor Normalized(const at::Tensor& sum) const {
    return at::layer_norm(sum, {kHidden}, norm.gamma, norm.beta, 1e-12);
  }
  at::Tensor Input(AdapterInput input) const {
    return input == AdapterInput::kDense      ? f
           : input == AdapterInput::kResidual ? x
                                              : Normalized(f + x);
  }
};

// LN(Σ softmax_j(q · k_j) W_v u_j + f + x).
at::Tensor Expected(const Fusion& fusion, int layer, Place place, const PlaceInputs& inputs) {
  const FusionLayer& own = *fusion.layers[static_cast<size_t>(layer)][static_cast<size_t>(place)];
  const at::Tensor z = inputs.Input(fusion.members.front().layout.site(place)->input);
  const at::Tensor query = at::linear(z, own.query_weight, own.query_bias);
  std::vector<at::Tensor> scores;
  std::vector<at::Tensor> values;
  for (const Adapter& member : fusion.members) {
    if (!member.layout.HasModule(layer, place)) continue;
    const AdapterSite& site = *member.layout.site(place);
    const AdapterModule& module = member.module(layer, place);
    const at::Tensor hidden =
        ops::Activate(at::linear(z, module.down_weight, module.down_bias), site.activation);
    const at::Tensor u = at::linear(hidden, module.up_weight, module.up_bias) * site.scaling;
    scores.push_back((query * at::linear(u, own.key_weight, own.key_bias)).sum(1, true));
    values.push_back(own.value_weight.defined() ? at::matmul(u, own.value_weight.t()) : u);
  }
  const at::Tensor weights = at::softmax(at::cat(scores, 1), 1);
  at::Tensor fused = at::zeros_like(z);
  for (size_t j = 0; j < values.size(); ++j) {
    fused = fused + weights.narrow(1, static_cast<int64_t>(j), 1) * values[j];
  }
  return inputs.Normalized(fused + inputs.f + inputs.x);
}

at::Tensor RunNorm(const ops::OpTable& table, const Adapter& adapter, int layer, Place place,
                   const PlaceInputs& inputs) {
  const EpilogueSegment all{.count = kRows, .adapter = 0};
  const Adapter* const pointer = &adapter;
  at::Tensor out = at::empty({kRows, kHidden});
  table.adapter_norm({.rows = {.dense = inputs.f,
                               .residual = inputs.x,
                               .segments = {&all, 1},
                               .norm = inputs.norm,
                               .epsilon = 1e-12},
                      .adapters = {&pointer, 1},
                      .layer = layer,
                      .place = place},
                     out);
  return out;
}

struct Example {
  std::string name;
  FusionDesign design;
};

std::vector<Example> Examples() {
  const auto gelu = [](const AdapterLayout& layout) {
    return WithActivation(layout, Activation::kGelu, 0.5);
  };
  return {
      {"Pfeiffer", {{PfeifferLayout(kLayers), gelu(PfeifferLayout(kLayers))}, {4, 4}}},
      {"Houlsby", {{HoulsbyLayout(kLayers), gelu(HoulsbyLayout(kLayers))}, {8, 3}}},
      {"Parallel", {{ParallelLayout(kLayers), ParallelLayout(kLayers)}, {4, 6}}},
      {"DifferentWidths",
       {{PfeifferLayout(kLayers), PfeifferLayout(kLayers), PfeifferLayout(kLayers)}, {1, 16, 5}}},
      {"Pruned",
       {{PfeifferLayout(kLayers, {0, 1}), PfeifferLayout(kLayers, {0}),
         gelu(PfeifferLayout(kLayers, {0, 2}))},
        {4, 7, 5}}},
      {"Static", {{PfeifferLayout(kLayers), PfeifferLayout(kLayers)}, {4, 4}, false}},
      {"One", {{PfeifferLayout(kLayers)}, {4}}},
  };
}

class FusionTest : public testing::TestWithParam<Example> {
 protected:
  FusionTest() { at::set_num_threads(1); }
};

TEST_P(FusionTest, RunsAsTheFormulaAtEveryPlace) {
  const Fusion fusion = RandomFusion(GetParam().design, kHidden, 3);
  const Adapter absorbed = AbsorbFusion(fusion);
  int places = 0;
  for (int layer = 0; layer < kLayers; ++layer) {
    for (const Place place : {Place::kAttention, Place::kFfn}) {
      if (!absorbed.layout.HasModule(layer, place)) continue;
      ++places;
      const PlaceInputs inputs;
      const at::Tensor expected = Expected(fusion, layer, place, inputs);
      for (const ops::OpTable* table : {&ops::ReferenceOps(), &ops::CpuOps()}) {
        const at::Tensor out = RunNorm(*table, absorbed, layer, place, inputs);
        EXPECT_LE((out - expected).abs().max().item<double>(), kTolerance)
            << table->name << ", layer " << layer;
      }
    }
  }
  EXPECT_GT(places, 0);
}

TEST_P(FusionTest, PacksWithoutChange) {
  Adapter packed = AbsorbFusion(RandomFusion(GetParam().design, kHidden, 4));
  const Adapter absorbed = packed;
  const int64_t bytes = PackedBytes(packed, nullptr);
  PackWeights(packed, nullptr);
  int64_t floats = 0;
  for (size_t layer = 0; layer < kLayers; ++layer) {
    for (size_t place = 0; place < kPlaceCount; ++place) {
      const auto& from = absorbed.fusions[layer][place];
      if (!from) continue;
      EXPECT_TRUE(at::equal(from->read_weight, packed.fusions[layer][place]->read_weight));
      EXPECT_TRUE(at::equal(from->read_bias, packed.fusions[layer][place]->read_bias));
      EXPECT_TRUE(at::equal(from->write_weight, packed.fusions[layer][place]->write_weight));
      floats += from->read_weight.numel() + from->read_bias.numel() + from->write_weight.numel();
    }
  }
  EXPECT_GE(bytes, 4 * floats);
}

INSTANTIATE_TEST_SUITE_P(Kinds, FusionTest, testing::ValuesIn(Examples()),
                         [](const auto& example) { return example.param.name; });

TEST(FusedLayout, LeavesOutWhatNoMemberHas) {
  const Fusion fusion = RandomFusion(
      {{PfeifferLayout(kLayers, {0, 1}), PfeifferLayout(kLayers, {0})}, {4, 7}}, kHidden, 3);
  EXPECT_THAT(FusedLayout(fusion).left_out, testing::ElementsAre(true, false, false));
  EXPECT_EQ(FindFork(FusedLayout(fusion), 0), (Fork{1, Place::kFfn}));
}

TEST(FusedLayout, IsAsWideAsAnAdapterOfAsManyWeights) {
  const Fusion fusion = RandomFusion(
      {{PfeifferLayout(kLayers, {0, 1}), PfeifferLayout(kLayers, {0})}, {4, 8}}, kHidden, 3);
  const LoadedTask task({.name = "task"}, AbsorbFusion(fusion), RandomHead(kHidden, {"a", "b"}, 1));
  EXPECT_EQ(task.bottleneck(0), 0);
  EXPECT_EQ(task.bottleneck(1), 13);  // (3 · 8 + 2 · 1) / 2
  EXPECT_EQ(task.bottleneck(2), 20);  // (3 · 12 + 2 · 2) / 2
}

TEST(Absorption, ABrokenMemberBreaksItsRowsAlone) {
  Fusion fusion = RandomFusion({{PfeifferLayout(kLayers)}, {4}}, kHidden, 3);
  fusion.members[0].modules[1][static_cast<size_t>(Place::kFfn)]->up_bias[0] = NAN;
  const PlaceInputs inputs;
  const Adapter absorbed = AbsorbFusion(fusion);
  EXPECT_TRUE(RunNorm(ops::CpuOps(), absorbed, 1, Place::kFfn, inputs).isnan().all().item<bool>());
  EXPECT_FALSE(RunNorm(ops::CpuOps(), absorbed, 2, Place::kFfn, inputs).isnan().any().item<bool>());
}

TEST(Absorption, OfWeightsWithoutDataHasTheShapes) {
  Fusion fusion =
      RandomFusion({{PfeifferLayout(kLayers), PfeifferLayout(kLayers)}, {4, 6}}, kHidden, 3);
  const int64_t bytes = PackedBytes(AbsorbFusion(fusion), nullptr);
  const auto to_meta = [](at::Tensor& tensor) { tensor = tensor.to(at::kMeta); };
  for (Adapter& member : fusion.members) {
    for (auto& places : member.modules) {
      AdapterModule& module = *places[static_cast<size_t>(Place::kFfn)];
      to_meta(module.down_weight);
      to_meta(module.down_bias);
      to_meta(module.up_weight);
      to_meta(module.up_bias);
    }
  }
  for (auto& places : fusion.layers) {
    FusionLayer& layer = *places[static_cast<size_t>(Place::kFfn)];
    to_meta(layer.query_weight);
    to_meta(layer.query_bias);
    to_meta(layer.key_weight);
    to_meta(layer.key_bias);
    to_meta(layer.value_weight);
  }
  EXPECT_EQ(PackedBytes(AbsorbFusion(fusion), nullptr), bytes);
}

}  // namespace
}  // namespace fathom
