#include "adapters/train/gradient_step.h"

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <gtest/gtest.h>

#include <atomic>
#include <numeric>
#include <stdexcept>

#include "adapters/model/adapter_task.h"
#include "adapters/model/architecture.h"
#include "tests/adapters/train/toy.h"
#include "tests/support/tensor_maps.h"

namespace fathom::training {
namespace {

class GradientStepTest : public ::testing::Test {
 protected:
  GradientStepTest() { std::iota(texts_.begin(), texts_.end(), int64_t{0}); }
  ~GradientStepTest() override { at::set_num_threads(1); }

  TensorMap Gradients(int threads, const GradientStepOptions& options, int skip_layers = 1) {
    at::set_num_threads(threads);
    const AdapterTask task({.layout = FindArchitecture("pfeiffer", config_.layers)->layout,
                            .hidden_size = config_.hidden_size,
                            .widths = std::vector<int>(static_cast<size_t>(config_.layers), 8),
                            .labels = data_.labels},
                           5);
    const TrunkSource trunks(data_);
    GradientStep step(encoder_, task, data_, trunks, options);
    loss_ = step.Run(
        {.texts = texts_, .step_texts = 24, .skipped = {.count = skip_layers}, .dropout_seed = 7});
    TensorMap gradients;
    for (const auto& [name, parameter] : task.named()) {
      if (parameter.grad().defined()) gradients[name] = parameter.grad();
    }
    return gradients;
  }

  const EncoderConfig config_ = SmallEncoderConfig();
  const std::shared_ptr<const Encoder> encoder_ = RandomEncoder(config_, 3);
  const Dataset data_ = ToyDataset(config_, TaskType::kClassification, 24, 1);
  std::vector<int64_t> texts_ = std::vector<int64_t>(24);
  double loss_ = 0;
};

TEST_F(GradientStepTest, IsTheSameOnAnyNumberOfThreads) {
  for (const DropoutPlaces places : {DropoutPlaces::kBranch, DropoutPlaces::kEverywhere}) {
    const GradientStepOptions options{.rates = {.hidden = 0.2, .attention = 0.2, .head = 0.2},
                                      .dropout_places = places,
                                      .max_rows = 40};
    const TensorMap one = Gradients(1, options);
    const double loss = loss_;
    for (const int threads : {2, 3}) {
      fathom::testing::ExpectEqual(one, Gradients(threads, options));
      EXPECT_EQ(loss_, loss);
    }
  }
}

TEST_F(GradientStepTest, DoesNotDependOnThePacksWithoutDropout) {
  const TensorMap few = Gradients(2, {.max_rows = 1000});
  const double loss = loss_;
  const TensorMap many = Gradients(2, {.max_rows = 10});
  EXPECT_NEAR(loss_, loss, 1e-5);
  ASSERT_EQ(few.size(), many.size());
  for (const auto& [name, gradient] : few) {
    EXPECT_LE((gradient - many.at(name)).abs().max().item<float>(), 1e-5f) << name;
  }
}

TEST_F(GradientStepTest, DropoutOfTheTrunkChangesTheStep) {
  const DropoutRates rates{.hidden = 0.3, .attention = 0.3, .head = 0};
  const TensorMap branch = Gradients(1, {.rates = rates}, 3);
  const TensorMap everywhere =
      Gradients(1, {.rates = rates, .dropout_places = DropoutPlaces::kEverywhere}, 3);
  EXPECT_FALSE(branch.at("head.0.weight").allclose(everywhere.at("head.0.weight")));
}

TEST(WorkerThreads, DoEveryItemOnceAndPassAnExceptionOn) {
  WorkerThreads workers(3, 1);
  for (int round = 0; round < 20; ++round) {
    std::vector<std::atomic<int>> counts(17);
    workers.ForEach(counts.size(), [&](int worker, size_t item) {
      EXPECT_LT(worker, 3);
      ++counts[item];
    });
    for (const std::atomic<int>& count : counts) EXPECT_EQ(count, 1);
  }
  EXPECT_THROW(workers.ForEach(4,
                               [](int, size_t item) {
                                 if (item == 2) throw std::runtime_error("item 2");
                               }),
               std::runtime_error);
  workers.ForEach(0, [](int, size_t) { FAIL(); });
}

}  // namespace
}  // namespace fathom::training
