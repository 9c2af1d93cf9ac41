// Small encoders and adapters with random weights, for tests. Weights are larger than trained ones,
// so that an error in any place shows in the result.
#pragma once

#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "runtime/model/encoder.h"
#include "runtime/task/adapter.h"
#include "runtime/task/fusion.h"
#include "runtime/text/text.h"

namespace fathom {

EncoderConfig SmallEncoderConfig();  // 4 layers, H 32, 4 heads, I 64, 97 words, 40 positions

// The weights of RandomEncoder by their names in a model file.
TensorMap RandomEncoderTensors(const EncoderConfig& config, uint64_t seed);

// Seeded by `seed`; with plain weights, so that the trainer's form of the layers works too.
std::shared_ptr<const Encoder> RandomEncoder(const EncoderConfig& config, uint64_t seed);

// A layout with modules in all layers but `left_out`.
AdapterLayout PfeifferLayout(int layers, const std::vector<int>& left_out = {});
AdapterLayout HoulsbyLayout(int layers, const std::vector<int>& left_out = {});
AdapterLayout ParallelLayout(int layers, const std::vector<int>& left_out = {});

Adapter RandomAdapter(const AdapterLayout& layout, int hidden_size, int bottleneck, uint64_t seed);

// What RandomFusion makes.
struct FusionDesign {
  std::vector<AdapterLayout> members;  // a member's layout may leave layers out
  std::vector<int> widths;             // D_j, one a member
  bool has_value = true;               // W_v: false is the static kind
};

// Members are named "a", "b", …
Fusion RandomFusion(const FusionDesign& design, int hidden_size, uint64_t seed);

// Two layers with tanh between them.
Head RandomHead(int hidden_size, const std::vector<std::string>& labels, uint64_t seed);

TokenizedText RandomText(const EncoderConfig& config, int tokens, std::mt19937& random);

}  // namespace fathom
