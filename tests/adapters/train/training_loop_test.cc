#include "adapters/train/training_loop.h"

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <limits>
#include <sstream>

#include "adapters/model/adapter_task.h"
#include "adapters/model/architecture.h"
#include "adapters/trunk/prepare_cache.h"
#include "tests/adapters/train/toy.h"
#include "tests/support/tensor_maps.h"

namespace fathom::training {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class TrainingLoopTest : public ::testing::Test {
 protected:
  TrainingLoopTest() {
    at::set_num_threads(1);  // one thread: bit for bit the same
    options_.skip = {.method = Method::kRobust, .layers = config_.layers, .seed = 9};
    options_.learning_rate = 1e-2;
    options_.batch_size = 8;
    options_.epochs = 6;
    options_.seed = 9;
    options_.step.rates = {.hidden = 0.1, .attention = 0.1, .head = 0.1};
    options_.step.max_rows = 40;  // several packs a step
    options_.settings = {{"seed", "9"}};
    options_.checkpoint_path = ::testing::TempDir() + "/" +
                               ::testing::UnitTest::GetInstance()->current_test_info()->name() +
                               ".checkpoint";
    std::filesystem::remove(options_.checkpoint_path);
  }

  AdapterTask Task() const {
    return AdapterTask({.layout = FindArchitecture("pfeiffer", config_.layers)->layout,
                        .hidden_size = config_.hidden_size,
                        .widths = std::vector<int>(static_cast<size_t>(config_.layers), 8),
                        .labels = train_.labels},
                       options_.seed);
  }

  struct Run {
    TensorMap weights;
    absl::StatusOr<TrainingResult> result;
    std::string output;
  };

  // Trains from the start or the checkpoint, until `stop_after` more steps at most.
  Run Train(bool resume, int64_t stop_after = 1 << 20) {
    AdapterTask task = Task();
    Evaluator evaluator(encoder_, dev_, {.metric = metric_});
    const TrunkSource trunks(train_, cache_);
    TrainingLoop loop(encoder_, task, train_, trunks, evaluator, options_);
    if (resume) {
      const auto checkpoint = ReadCheckpoint(options_.checkpoint_path);
      EXPECT_TRUE(checkpoint.ok()) << checkpoint.status();
      EXPECT_TRUE(loop.Restore(*checkpoint).ok());
    }
    std::ostringstream out;
    Progress progress(out, false, loop.step(), loop.total_steps());
    int64_t steps = 0;
    auto result = loop.Run([&] { return ++steps >= stop_after; }, progress);
    return {task.Snapshot(), result, out.str()};
  }

  const EncoderConfig config_ = SmallEncoderConfig();
  const std::shared_ptr<const Encoder> encoder_ = RandomEncoder(config_, 3);
  Dataset train_ = ToyDataset(config_, TaskType::kClassification, 60, 1);
  Dataset dev_ = ToyDataset(config_, TaskType::kClassification, 40, 2);
  Metric metric_ = Metric::kAccuracy;
  std::shared_ptr<const StateCache> cache_;  // null: none
  TrainingLoopOptions options_;
};

bool AllEqual(const TensorMap& a, const TensorMap& b) {
  for (const auto& [name, tensor] : a) {
    if (!tensor.equal(b.at(name))) return false;
  }
  return true;
}

TEST_F(TrainingLoopTest, LearnsAtEveryDepth) {
  options_.epochs = 12;
  const TensorMap before = Task().Snapshot();
  AdapterTask task = Task();
  Evaluator evaluator(encoder_, dev_, {});
  const TrunkSource trunks(train_);
  TrainingLoop loop(encoder_, task, train_, trunks, evaluator, options_);
  std::ostringstream out;
  Progress progress(out, false, 0, loop.total_steps());
  ASSERT_EQ(loop.total_steps(), 96);
  const auto result = loop.Run([] { return false; }, progress);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_FALSE(result->interrupted);
  EXPECT_GT(result->best_score, 0.9);
  EXPECT_FALSE(AllEqual(before, task.Snapshot()));

  const DepthProfile profile = evaluator.MeasureProfile(task.Freeze(WeightDtype::kFp32));
  ASSERT_EQ(profile.points.size(), 5u) << "0 … L";
  for (int n = 0; n < config_.layers; ++n) EXPECT_GT(profile.Find(n)->score, 0.8) << n;
  EXPECT_DOUBLE_EQ(*profile.Find(0)->agreement, 1);
  EXPECT_GT(*profile.Find(0)->macro_f1, 0.85);
  EXPECT_EQ(*profile.Find(0)->half_width, 0);
  EXPECT_GT(*profile.Find(config_.layers)->half_width, 0);
  EXPECT_DOUBLE_EQ(*profile.majority_baseline, 0.5);
  EXPECT_EQ(profile.samples, 40);
}

TEST_F(TrainingLoopTest, RegressionLearns) {
  train_ = ToyDataset(config_, TaskType::kRegression, 60, 1);
  dev_ = ToyDataset(config_, TaskType::kRegression, 40, 2);
  metric_ = Metric::kPearson;
  const Run run = Train(false);
  ASSERT_TRUE(run.result.ok()) << run.result.status();
  EXPECT_GT(run.result->best_score, 0.85);
}

TEST_F(TrainingLoopTest, TheSameSeedGivesTheSameBits) {
  const Run first = Train(false);
  const Run second = Train(false);
  fathom::testing::ExpectEqual(first.weights, second.weights);
  EXPECT_EQ(first.result->best_score, second.result->best_score);
  options_.seed = 10;
  EXPECT_FALSE(AllEqual(first.weights, Train(false).weights));
}

TEST_F(TrainingLoopTest, ResumingEqualsNeverStopping) {
  const Run whole = Train(false);
  const Run first = Train(false, 11);  // in the middle of an epoch
  ASSERT_TRUE(first.result->interrupted);
  EXPECT_EQ(first.result->steps, 11);
  const Run second = Train(true, 20);
  EXPECT_EQ(second.result->steps, 31);
  const Run third = Train(true);
  EXPECT_FALSE(third.result->interrupted);
  fathom::testing::ExpectEqual(third.weights, whole.weights);
  EXPECT_EQ(third.result->best_step, whole.result->best_step);
  EXPECT_EQ(third.result->best_score, whole.result->best_score);
}

TEST_F(TrainingLoopTest, CachedTrunkStatesChangeNothing) {
  const Run without = Train(false);
  const StateNeeds needs = FindStateNeeds(Task().layout(), {0, config_.layers - 1});
  const auto prepared = PrepareCache(encoder_, train_, needs, {.budgets = {1 << 20, 0}}, {}, {});
  ASSERT_TRUE(prepared.ok()) << prepared.status();
  cache_ = prepared->cache;
  ASSERT_EQ(cache_->depths(), (KeptDepths{{0, 1, 2}, true}));
  const Run with = Train(false);
  for (const auto& [name, tensor] : with.weights) {
    EXPECT_LE((tensor - without.weights.at(name)).abs().max().item<float>(), 1e-4) << name;
  }
  EXPECT_EQ(with.result->best_score, without.result->best_score);

  Train(false, 11);
  fathom::testing::ExpectEqual(Train(true).weights, with.weights);
}

TEST_F(TrainingLoopTest, AResumedRunMustHaveTheSameSettings) {
  Train(false, 3);
  options_.settings["learning-rate"] = "0.1";
  AdapterTask task = Task();
  Evaluator evaluator(encoder_, dev_, {});
  const TrunkSource trunks(train_);
  TrainingLoop loop(encoder_, task, train_, trunks, evaluator, options_);
  const absl::Status status = loop.Restore(*ReadCheckpoint(options_.checkpoint_path));
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), AllOf(HasSubstr("learning-rate"), HasSubstr("0.1")));
}

TEST_F(TrainingLoopTest, AnInfiniteLossStopsAndNamesStepAndRate) {
  train_ = ToyDataset(config_, TaskType::kRegression, 16, 1);
  for (Example& example : train_.examples) example.target = 1e30f;
  dev_ = train_;
  metric_ = Metric::kPearson;
  const TensorMap before = Task().Snapshot();
  const Run run = Train(false);
  EXPECT_EQ(run.result.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(run.result.status().message()),
              AllOf(HasSubstr("loss is inf at step 1"), HasSubstr("learning rate")));
  fathom::testing::ExpectEqual(before, run.weights);
}

TEST_F(TrainingLoopTest, StopsAfterEvaluationsWithoutABetterScore) {
  options_.learning_rate = 1e-9;  // nothing changes: the first evaluation stays the best
  options_.early_stopping = 2;
  const Run whole = Train(false);
  ASSERT_TRUE(whole.result.ok()) << whole.result.status();
  EXPECT_TRUE(whole.result->stopped_early);
  EXPECT_FALSE(whole.result->interrupted);
  EXPECT_EQ(whole.result->steps, 3 * 8) << "three epochs of eight steps";
  const Run first = Train(false, 17);
  ASSERT_TRUE(first.result->interrupted);
  EXPECT_EQ(Train(true).result->steps, 3 * 8) << "the count is in the checkpoint";
}

TEST_F(TrainingLoopTest, DevAnswersThatAreNotFiniteAreRefused) {
  AdapterTask task = Task();
  const at::NoGradGuard no_grad;
  task.head().layers.back().bias.fill_(std::numeric_limits<float>::quiet_NaN());
  Evaluator evaluator(encoder_, dev_, {});
  const TrunkSource trunks(train_);
  const std::vector<DepthPoint> points = evaluator.Measure(task.Freeze(WeightDtype::kFp32), {0, 2});
  EXPECT_TRUE(std::isnan(points[0].score));
  EXPECT_TRUE(std::isnan(points[1].score));
}

TEST_F(TrainingLoopTest, SelectsByTheRule) {
  options_.select_by = *ParseSelectionRule("n=2");
  EXPECT_THAT(Train(false).output, AllOf(HasSubstr("dev n=2 "), HasSubstr("  n=2 0.")));
}

TEST_F(TrainingLoopTest, AFolderThatCannotBeWrittenFailsBeforeTheFirstStep) {
  options_.checkpoint_path = ::testing::TempDir() + "/no/such/folder/run.checkpoint";
  const Run run = Train(false);
  ASSERT_FALSE(run.result.ok());
  EXPECT_THAT(std::string(run.result.status().message()), HasSubstr("no/such/folder"));
}

TEST_F(TrainingLoopTest, SpecializedTrainsFromItsDepthUpOnly) {
  options_.skip = {.method = Method::kSpecialized, .layers = 4, .given_depth = 2, .seed = 9};
  const TensorMap before = Task().Snapshot();
  const Run run = Train(false);
  ASSERT_TRUE(run.result.ok()) << run.result.status();
  for (const auto& [name, tensor] : run.weights) {
    const bool below = name.starts_with("adapter.0.") || name.starts_with("adapter.1.");
    EXPECT_EQ(tensor.equal(before.at(name)), below) << name;
  }
}

}  // namespace
}  // namespace fathom::training
