#include "tests/support/random_model.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Context.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/Generator.h>
#include <ATen/ops/randn.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace fathom {
namespace {

// Draws tensors one after another from its own seeded stream.
class Draw {
 public:
  explicit Draw(uint64_t seed) : generator_(at::detail::createCPUGenerator(seed)) {}

  at::Tensor Normal(at::IntArrayRef shape, double deviation, double mean = 0) {
    return at::randn(shape, generator_) * deviation + mean;
  }

 private:
  at::Generator generator_;
};

AdapterLayout Layout(int layers, const std::vector<int>& left_out) {
  AdapterLayout layout;
  layout.left_out.resize(static_cast<size_t>(layers), false);
  for (int layer : left_out) layout.left_out[static_cast<size_t>(layer)] = true;
  return layout;
}

void SetSite(AdapterLayout& layout, Place place, const AdapterSite& site) {
  layout.sites[static_cast<size_t>(place)] = site;
}

}  // namespace

EncoderConfig SmallEncoderConfig() {
  return {.layers = 4,
          .hidden_size = 32,
          .intermediate_size = 64,
          .heads = 4,
          .vocab_size = 97,
          .max_positions = 40,
          .segment_types = 2};
}

TensorMap RandomEncoderTensors(const EncoderConfig& config, uint64_t seed) {
  Draw draw(seed);
  const int64_t hidden = config.hidden_size;
  TensorMap tensors;
  const auto linear = [&](const std::string& name, int64_t out, int64_t in) {
    tensors[name + ".weight"] = draw.Normal({out, in}, 0.15);
    tensors[name + ".bias"] = draw.Normal({out}, 0.1);
  };
  const auto norm = [&](const std::string& name) {
    tensors[name + ".weight"] = draw.Normal({hidden}, 0.2, 1);
    tensors[name + ".bias"] = draw.Normal({hidden}, 0.1);
  };
  tensors["embeddings.word_embeddings.weight"] = draw.Normal({config.vocab_size, hidden}, 0.5);
  tensors["embeddings.position_embeddings.weight"] =
      draw.Normal({config.max_positions, hidden}, 0.5);
  tensors["embeddings.token_type_embeddings.weight"] =
      draw.Normal({config.segment_types, hidden}, 0.5);
  norm("embeddings.LayerNorm");
  for (int layer = 0; layer < config.layers; ++layer) {
    const std::string prefix = absl::StrCat("encoder.layer.", layer, ".");
    for (const char* name : {"query", "key", "value"}) {
      linear(prefix + "attention.self." + name, hidden, hidden);
    }
    linear(prefix + "attention.output.dense", hidden, hidden);
    norm(prefix + "attention.output.LayerNorm");
    linear(prefix + "intermediate.dense", config.intermediate_size, hidden);
    linear(prefix + "output.dense", hidden, config.intermediate_size);
    norm(prefix + "output.LayerNorm");
  }
  linear("pooler.dense", hidden, hidden);
  return tensors;
}

std::shared_ptr<const Encoder> RandomEncoder(const EncoderConfig& config, uint64_t seed) {
  auto encoder =
      Encoder::FromTensors(config, RandomEncoderTensors(config, seed), PlainWeights::kKeep);
  EXPECT_TRUE(encoder.ok()) << encoder.status();
  return *std::move(encoder);
}

AdapterLayout PfeifferLayout(int layers, const std::vector<int>& left_out) {
  AdapterLayout layout = Layout(layers, left_out);
  SetSite(layout, Place::kFfn,
          {.input = AdapterInput::kNormalizedSum, .activation = Activation::kRelu});
  return layout;
}

AdapterLayout HoulsbyLayout(int layers, const std::vector<int>& left_out) {
  AdapterLayout layout = Layout(layers, left_out);
  const AdapterSite site{.input = AdapterInput::kDense, .activation = Activation::kSilu};
  SetSite(layout, Place::kAttention, site);
  SetSite(layout, Place::kFfn, site);
  return layout;
}

AdapterLayout ParallelLayout(int layers, const std::vector<int>& left_out) {
  AdapterLayout layout = Layout(layers, left_out);
  SetSite(layout, Place::kFfn,
          {.input = AdapterInput::kResidual, .activation = Activation::kRelu, .scaling = 4.0});
  return layout;
}

Adapter RandomAdapter(const AdapterLayout& layout, int hidden_size, int bottleneck, uint64_t seed) {
  Draw draw(seed);
  Adapter adapter{.layout = layout};
  adapter.modules.resize(static_cast<size_t>(layout.layers()));
  for (int layer = 0; layer < layout.layers(); ++layer) {
    for (Place place : {Place::kAttention, Place::kFfn}) {
      if (!layout.HasModule(layer, place)) continue;
      adapter.modules[static_cast<size_t>(layer)][static_cast<size_t>(place)] =
          AdapterModule{.down_weight = draw.Normal({bottleneck, hidden_size}, 0.2),
                        .down_bias = draw.Normal({bottleneck}, 0.1),
                        .up_weight = draw.Normal({hidden_size, bottleneck}, 0.2),
                        .up_bias = draw.Normal({hidden_size}, 0.1)};
    }
  }
  return adapter;
}

Fusion RandomFusion(const FusionDesign& design, int hidden_size, uint64_t seed) {
  Draw draw(seed);
  Fusion fusion;
  for (size_t j = 0; j < design.members.size(); ++j) {
    fusion.member_names.push_back(std::string(1, static_cast<char>('a' + j)));
    fusion.members.push_back(
        RandomAdapter(design.members[j], hidden_size, design.widths[j], 100 * seed + j));
  }
  const AdapterLayout layout = FusedLayout(fusion);
  fusion.layers.resize(static_cast<size_t>(layout.layers()));
  for (int layer = 0; layer < layout.layers(); ++layer) {
    for (Place place : {Place::kAttention, Place::kFfn}) {
      if (!layout.HasModule(layer, place)) continue;
      FusionLayer& made =
          fusion.layers[static_cast<size_t>(layer)][static_cast<size_t>(place)].emplace();
      made.query_weight = draw.Normal({hidden_size, hidden_size}, 0.2);
      made.query_bias = draw.Normal({hidden_size}, 0.1);
      made.key_weight = draw.Normal({hidden_size, hidden_size}, 0.2);
      made.key_bias = draw.Normal({hidden_size}, 0.1);
      if (design.has_value) made.value_weight = draw.Normal({hidden_size, hidden_size}, 0.2);
    }
  }
  return fusion;
}

Head RandomHead(int hidden_size, const std::vector<std::string>& labels, uint64_t seed) {
  Draw draw(seed);
  const auto layer = [&](int64_t out) {
    return HeadLayer{.weight = draw.Normal({out, hidden_size}, 0.2),
                     .bias = draw.Normal({out}, 0.1)};
  };
  Head head{.labels = labels};
  head.layers.push_back(layer(hidden_size));
  head.layers.push_back(layer(static_cast<int64_t>(labels.size())));
  return head;
}

TokenizedText RandomText(const EncoderConfig& config, int tokens, std::mt19937& random) {
  std::uniform_int_distribution<int32_t> id(0, config.vocab_size - 1);
  std::uniform_int_distribution<int32_t> segment(0, config.segment_types - 1);
  TokenizedText text{.full_tokens = tokens};
  for (int i = 0; i < tokens; ++i) {
    text.ids.push_back(id(random));
    text.segment_ids.push_back(segment(random));
  }
  return text;
}

}  // namespace fathom
