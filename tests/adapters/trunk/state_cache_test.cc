#include "adapters/trunk/state_cache.h"

#include <ATen/TensorOperators.h>
#include <c10/util/Exception.h>
#include <gtest/gtest.h>

#include "tests/adapters/trunk/trunk_testing.h"

namespace fathom::training {
namespace {

using StateCacheTest = TrunkTest;

const std::vector<int64_t> kSome = {6, 0, 3, 9, 0};

TEST_F(StateCacheTest, LoadsTheDeepestStateAtOrBelowTheFork) {
  const auto cache = FilledCache(Shape());
  EXPECT_FALSE(cache->Load(kSome, {0, Place::kFfn}).has_value());
  EXPECT_FALSE(cache->Load(kSome, {1, Place::kAttention}).has_value());
  for (const Fork fork : {Fork{1, Place::kFfn}, Fork{2, Place::kAttention}, Fork{2, Place::kFfn},
                          Fork{3, Place::kAttention}}) {
    EXPECT_EQ(cache->Load(kSome, fork)->at, (Fork{1, Place::kFfn}));
  }
  EXPECT_EQ(cache->Load(kSome, {3, Place::kFfn})->at, (Fork{3, Place::kFfn}));
}

TEST_F(StateCacheTest, PairsAreWhatTheTrunkRuns) {
  const auto cache = FilledCache(Shape(/*pairs=*/true));
  Executor executor(encoder_);
  for (const Fork fork : {Fork{1, Place::kFfn}, Fork{3, Place::kFfn}}) {
    const TrunkState run = executor.RunTrunk(Texts(kSome), fork);
    const TrunkState loaded = *cache->Load(kSome, fork);
    EXPECT_EQ(loaded.cls_only, run.cls_only);
    EXPECT_LE(MaxDifference(loaded.dense, run.dense), 1e-5);
    EXPECT_LE(MaxDifference(loaded.residual, run.residual), 1e-5);
    EXPECT_FALSE(loaded.dense.is_inference());
  }
}

TEST_F(StateCacheTest, SumsAreWhatTheTrunkRuns) {
  const auto cache = FilledCache(Shape());
  Executor executor(encoder_);
  for (const Fork fork : {Fork{1, Place::kFfn}, Fork{3, Place::kFfn}}) {
    const TrunkState run = executor.RunTrunk(Texts(kSome), fork);
    const TrunkState loaded = *cache->Load(kSome, fork);
    EXPECT_EQ(loaded.cls_only, run.cls_only);
    EXPECT_LE(MaxDifference(loaded.dense, run.dense + run.residual), 1e-5);
    EXPECT_EQ(loaded.residual.abs().max().item<float>(), 0);
    EXPECT_EQ(loaded.residual.sizes(), loaded.dense.sizes());
  }
}

// bf16 has a significand of 8 bits: half a unit in the last place is at most 2^-8 of the value.
TEST_F(StateCacheTest, Bf16IsTheNearestOfItsPrecision) {
  const auto exact = FilledCache(Shape());
  const auto rounded = FilledCache(Shape(/*pairs=*/false, TapPrecision::kBf16));
  EXPECT_LT(rounded->plan().MemoryBytes(), exact->plan().MemoryBytes());
  for (const Fork fork : {Fork{1, Place::kFfn}, Fork{3, Place::kFfn}}) {
    const at::Tensor full = exact->Load(kSome, fork)->dense;
    const at::Tensor error = (rounded->Load(kSome, fork)->dense - full).abs();
    EXPECT_GT(error.max().item<float>(), 0);
    EXPECT_LE((error - full.abs() * (1.0 / 256)).max().item<float>(), 0);
  }
}

TEST_F(StateCacheTest, RefusesOtherTexts) {
  StateShape shape = Shape();
  ++shape.tokens;
  EXPECT_THROW(FilledCache(shape), c10::Error);
}

TEST_F(StateCacheTest, AStoppedFillSaysSo) {
  const StateShape shape = Shape();
  StatePlan plan;
  plan.planes = {MakePlane(shape, {0, TapForm::kSum})};
  StateMemory memory;
  memory.memory = *MappedBytes::InMemory(plan.MemoryBytes());
  StateCache cache(shape, tokens_, std::move(plan), std::move(memory));
  Executor executor(encoder_);
  int64_t seen = 0;
  const FillCallbacks callbacks{.progress =
                                    [&](int64_t done, int64_t texts) {
                                      seen = done;
                                      EXPECT_EQ(texts, 10);
                                    },
                                .stop_requested = [] { return true; }};
  EXPECT_EQ(FillCache(executor, data_, callbacks, cache).code(), absl::StatusCode::kCancelled);
  EXPECT_GT(seen, 0);
}

}  // namespace
}  // namespace fathom::training
