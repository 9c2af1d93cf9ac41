#include "adapters/trunk/trunk_source.h"

#include <ATen/TensorOperators.h>
#include <gtest/gtest.h>

#include <thread>

#include "adapters/model/adapter_task.h"
#include "adapters/model/branch.h"
#include "adapters/model/frozen_encoder.h"
#include "tests/adapters/trunk/trunk_testing.h"

namespace fathom::training {
namespace {

constexpr DropoutRates kNoDropout = {};
const std::vector<int64_t> kPack = {1, 4, 5, 9, 0, 2, 3};

class TrunkSourceTest : public TrunkTest {
 protected:
  // The branch's result of an adapter at n, from what a source gives.
  at::Tensor FromSource(const TrunkSource& source, const AdapterTask& task, int n) {
    const Fork fork = *FindFork(task.layout(), n);
    const TrunkState trunk = source.Get(executor_, kPack, fork);
    EXPECT_EQ(trunk.at, fork);
    Dropout dropout(1);
    return Branch(differentiable_, task, kNoDropout, dropout)
        .ClsStates({.texts = Pack(Texts(kPack)), .trunk = trunk, .fork = fork});
  }

  AdapterTask Task(const AdapterLayout& layout) const {
    return AdapterTask({.layout = layout,
                        .hidden_size = config_.hidden_size,
                        .widths = std::vector<int>(static_cast<size_t>(config_.layers), 6),
                        .labels = {"a", "b"}},
                       7);
  }

  Executor executor_{encoder_};
  const FrozenEncoder differentiable_{encoder_, Fork{0, Place::kAttention}};
};

struct Form {
  AdapterLayout layout;
  bool pairs;
};

std::vector<Form> Forms() {
  return {{PfeifferLayout(4), false},
          {PfeifferLayout(4, {1, 2}), false},
          {HoulsbyLayout(4), false},
          {ParallelLayout(4), true}};
}

TEST_F(TrunkSourceTest, EveryArchitectureAtEveryDepthSeesTheSameTrunk) {
  const TrunkSource plain(data_);
  for (const Form& form : Forms()) {
    const AdapterTask task = Task(form.layout);
    const TrunkSource cached(data_, FilledCache(Shape(form.pairs)));
    for (int n = 0; n < config_.layers; ++n) {
      EXPECT_LE(MaxDifference(FromSource(cached, task, n), FromSource(plain, task, n)), 1e-5)
          << "n = " << n << (form.pairs ? ", pairs" : ", sums");
    }
  }
}

TEST_F(TrunkSourceTest, Bf16StaysNear) {
  const AdapterTask task = Task(PfeifferLayout(4));
  const TrunkSource plain(data_);
  const TrunkSource cached(data_, FilledCache(Shape(false, TapPrecision::kBf16)));
  for (int n = 1; n < config_.layers; ++n) {
    const double difference =
        MaxDifference(FromSource(cached, task, n), FromSource(plain, task, n));
    EXPECT_GT(difference, 1e-5) << n;
    EXPECT_LE(difference, 0.1) << n;
    RecordProperty("max difference at n = " + std::to_string(n), std::to_string(difference));
  }
}

TEST_F(TrunkSourceTest, CountsLayersRunAndSaved) {
  const TrunkSource source(data_, FilledCache(Shape()));
  source.Get(executor_, kPack, {0, Place::kFfn});  // from the embeddings
  EXPECT_DOUBLE_EQ(source.work().layers_run, 7);
  EXPECT_DOUBLE_EQ(source.work().layers_saved, 0);
  EXPECT_EQ(source.work().bytes_loaded, 0);
  source.Get(executor_, kPack, {2, Place::kFfn});  // from layer 1
  EXPECT_DOUBLE_EQ(source.work().layers_run, 14);
  EXPECT_DOUBLE_EQ(source.work().layers_saved, 14);
  EXPECT_EQ(source.work().bytes_loaded, 38 * config_.hidden_size * 4);
  source.Get(executor_, kPack, {3, Place::kFfn});  // from there
  EXPECT_DOUBLE_EQ(source.work().layers_run, 14);
  EXPECT_DOUBLE_EQ(source.work().MeanLayersRun(), 2.0 / 3);
}

TEST_F(TrunkSourceTest, ThreadsWithExecutorsOfTheirOwnGetTheSame) {
  const TrunkSource source(data_, FilledCache(Shape()));
  const Fork fork{2, Place::kFfn};
  const TrunkState expected = source.Get(executor_, kPack, fork);
  std::vector<TrunkState> states(4);
  std::vector<std::thread> threads;
  for (TrunkState& state : states) {
    threads.emplace_back([&] {
      at::init_num_threads();
      Executor executor(encoder_);
      for (int i = 0; i < 5; ++i) state = source.Get(executor, kPack, fork);
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const TrunkState& state : states) {
    EXPECT_TRUE(state.dense.equal(expected.dense));
    EXPECT_TRUE(state.residual.equal(expected.residual));
  }
  EXPECT_EQ(source.work().texts, 21 * 7);
}

}  // namespace
}  // namespace fathom::training
