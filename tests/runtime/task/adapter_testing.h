// Adapters, heads and encoder configs of a few numbers, for tests.
#pragma once

#include <ATen/ops/arange.h>
#include <ATen/ops/equal.h>

#include <string>
#include <vector>

#include "runtime/task/format/adapter_folder.h"

namespace fathom::testing {

inline EncoderConfig TinyEncoder(int layers = 2, int hidden_size = 8) {
  EncoderConfig config;
  config.layers = layers;
  config.hidden_size = hidden_size;
  config.intermediate_size = 2 * hidden_size;
  config.heads = 2;
  config.vocab_size = 32;
  config.max_positions = 16;
  config.segment_types = 2;
  return config;
}

// Distinct values: no two tensors made in a test are equal.
inline at::Tensor Counted(at::IntArrayRef shape) {
  static int64_t first = 0;
  int64_t count = 1;
  for (int64_t size : shape) count *= size;
  first += 100;
  return at::arange(first, first + count, at::kFloat).reshape(shape).div(1024);
}

inline AdapterModule MakeModule(int64_t width, int64_t hidden) {
  return {.down_weight = Counted({width, hidden}),
          .down_bias = Counted({width}),
          .up_weight = Counted({hidden, width}),
          .up_bias = Counted({hidden})};
}

// An adapter whose layer i has the bottleneck widths[i]; 0: left out.
inline AdapterFolder MakeFolder(const std::vector<Place>& places, const AdapterSite& site,
                                const std::vector<int>& widths, const EncoderConfig& encoder) {
  AdapterFolder folder;
  folder.name = "task";
  for (Place place : places) folder.adapter.layout.sites[static_cast<size_t>(place)] = site;
  for (int width : widths) {
    folder.adapter.layout.left_out.push_back(width == 0);
    auto& modules = folder.adapter.modules.emplace_back();
    if (width == 0) continue;
    for (Place place : places) {
      modules[static_cast<size_t>(place)] = MakeModule(width, encoder.hidden_size);
    }
  }
  return folder;
}

inline AdapterFolder MakePfeiffer(const EncoderConfig& encoder) {
  return MakeFolder({Place::kFfn}, {}, std::vector<int>(static_cast<size_t>(encoder.layers), 4),
                    encoder);
}

inline Head MakeHead(std::vector<std::string> labels, int layers, Activation activation,
                     const EncoderConfig& encoder) {
  Head head;
  head.kind = labels.empty() ? HeadKind::kRegression : HeadKind::kClassification;
  head.activation = activation;
  head.labels = std::move(labels);
  const auto classes = head.labels.empty() ? 1 : static_cast<int64_t>(head.labels.size());
  for (int layer = 0; layer < layers; ++layer) {
    const int64_t rows = layer + 1 == layers ? classes : encoder.hidden_size;
    head.layers.push_back({Counted({rows, encoder.hidden_size}), Counted({rows})});
  }
  return head;
}

inline bool SameModule(const AdapterModule& a, const AdapterModule& b) {
  return at::equal(a.down_weight, b.down_weight) && at::equal(a.down_bias, b.down_bias) &&
         at::equal(a.up_weight, b.up_weight) && at::equal(a.up_bias, b.up_bias);
}

inline bool SameAdapter(const Adapter& a, const Adapter& b) {
  if (a.layout.sites != b.layout.sites || a.layout.left_out != b.layout.left_out) return false;
  for (size_t layer = 0; layer < a.modules.size(); ++layer) {
    for (size_t place = 0; place < kPlaceCount; ++place) {
      const auto& left = a.modules[layer][place];
      const auto& right = b.modules[layer][place];
      if (left.has_value() != right.has_value()) return false;
      if (left && !SameModule(*left, *right)) return false;
    }
  }
  return a.modules.size() == b.modules.size();
}

inline bool SameHead(const Head& a, const Head& b) {
  if (a.kind != b.kind || a.activation != b.activation || a.use_pooler != b.use_pooler ||
      a.labels != b.labels || a.layers.size() != b.layers.size()) {
    return false;
  }
  for (size_t i = 0; i < a.layers.size(); ++i) {
    if (!at::equal(a.layers[i].weight, b.layers[i].weight)) return false;
    if (a.layers[i].bias.defined() != b.layers[i].bias.defined()) return false;
    if (a.layers[i].bias.defined() && !at::equal(a.layers[i].bias, b.layers[i].bias)) return false;
  }
  return true;
}

}  // namespace fathom::testing
