// A small data set on a random encoder, and caches of its trunk states.
#pragma once

#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <vector>

#include "adapters/trunk/fill_cache.h"
#include "adapters/trunk/state_cache.h"
#include "tests/support/random_model.h"

namespace fathom::training {

class TrunkTest : public ::testing::Test {
 protected:
  TrunkTest() {
    at::set_num_threads(1);
    std::mt19937 random(21);
    for (const int tokens : {7, 1, 7, 12, 3, 3, 39, 2, 12, 5}) {
      data_.examples.push_back({.text = RandomText(config_, tokens, random)});
      tokens_.push_back(tokens);
    }
  }

  StateShape Shape(bool pairs = false, TapPrecision precision = TapPrecision::kFp32) const {
    StateShape shape{.texts = static_cast<int64_t>(tokens_.size()),
                     .layers = config_.layers,
                     .hidden_size = config_.hidden_size,
                     .pairs = pairs,
                     .precision = precision};
    for (const int32_t tokens : tokens_) shape.tokens += tokens;
    return shape;
  }

  // Full, in memory: states of layer 1 and the last [CLS] rows.
  std::shared_ptr<const StateCache> FilledCache(const StateShape& shape) {
    StatePlan plan;
    plan.planes = {
        MakePlane(shape, {1, shape.pairs ? TapForm::kPair : TapForm::kSum}),
        MakePlane(shape, {config_.layers - 1, shape.pairs ? TapForm::kClsPair : TapForm::kClsSum})};
    StateMemory memory;
    memory.memory = *MappedBytes::InMemory(plan.MemoryBytes());
    const auto cache =
        std::make_shared<StateCache>(shape, tokens_, std::move(plan), std::move(memory));
    Executor executor(encoder_);
    EXPECT_TRUE(FillCache(executor, data_, {}, *cache).ok());
    return cache;
  }

  std::vector<const TokenizedText*> Texts(const std::vector<int64_t>& indices) const {
    std::vector<const TokenizedText*> texts;
    for (const int64_t text : indices) {
      texts.push_back(&data_.examples[static_cast<size_t>(text)].text);
    }
    return texts;
  }

  const EncoderConfig config_ = SmallEncoderConfig();
  const std::shared_ptr<const Encoder> encoder_ = RandomEncoder(config_, 3);
  Dataset data_;
  std::vector<int32_t> tokens_;
};

inline double MaxDifference(const at::Tensor& a, const at::Tensor& b) {
  return a.sub(b).abs().max().item<double>();
}

}  // namespace fathom::training
