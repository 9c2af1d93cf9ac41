// A pass through merging, caches, planner, executor and heads: what is cached or shared answers as
// what is computed alone.
#include "runtime/pass_runner.h"

#include <ATen/Parallel.h>
#include <c10/core/InferenceMode.h>

#include <cmath>
#include <random>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/random_model.h"

namespace fathom {
namespace {

constexpr float kTolerance = 1e-4f;
constexpr int64_t kMegabyte = 1 << 20;

class PassRunnerTest : public testing::Test {
 protected:
  PassRunnerTest() : config_(SmallEncoderConfig()), encoder_(RandomEncoder(config_, 5)) {
    at::set_num_threads(1);  // the matrices are too small to share
    Add(PfeifferLayout(config_.layers));
    Add(HoulsbyLayout(config_.layers));
    Add(ParallelLayout(config_.layers));
    AddFusion(
        {{PfeifferLayout(config_.layers, {0, 2}), PfeifferLayout(config_.layers, {0})}, {5, 3}});
    AddFusion({{HoulsbyLayout(config_.layers), HoulsbyLayout(config_.layers)}, {4, 4}});
    for (int i = 0; i < 4; ++i) texts_.push_back(RandomText(config_, 3 + 2 * i, random_));
  }

  void Add(const AdapterLayout& layout) {
    const uint64_t seed = 300 + tasks_.size();
    tasks_.push_back(
        std::make_shared<const LoadedTask>(TaskInfo{.name = "task" + std::to_string(tasks_.size())},
                                           RandomAdapter(layout, config_.hidden_size, 5, seed),
                                           RandomHead(config_.hidden_size, {"no", "yes"}, seed)));
  }

  void AddFusion(const FusionDesign& design) {
    const uint64_t seed = 300 + tasks_.size();
    tasks_.push_back(std::make_shared<const LoadedTask>(
        TaskInfo{.name = "task" + std::to_string(tasks_.size())},
        AbsorbFusion(RandomFusion(design, config_.hidden_size, seed)),
        RandomHead(config_.hidden_size, {"no", "yes"}, seed)));
  }

  PassTask Task(size_t task, int skip_layers) const { return {tasks_[task].get(), skip_layers}; }

  PassText Text(size_t text, std::vector<PassTask> tasks) const {
    return {.text = &texts_[text], .tasks = std::move(tasks)};
  }

  static PassResult Run(PassRunner& runner, const std::vector<PassText>& texts) {
    const c10::InferenceMode inference;
    return *runner.Run(texts);
  }

  // Without caches, in a runner of its own.
  PassResult RunCold(const std::vector<PassText>& texts) const {
    PassCaches none(*encoder_, {.tap_bytes = 0});
    PassRunner runner(encoder_, none);
    return Run(runner, texts);
  }

  static void ExpectEqualAnswers(const PassResult& a, const PassResult& b) {
    ASSERT_EQ(a.outputs.size(), b.outputs.size());
    for (size_t i = 0; i < a.outputs.size(); ++i) {
      ASSERT_EQ(a.outputs[i].size(), b.outputs[i].size());
      for (size_t j = 0; j < a.outputs[i].size(); ++j) {
        EXPECT_TRUE(a.outputs[i][j].status.ok()) << a.outputs[i][j].status;
        EXPECT_THAT(a.outputs[i][j].logits,
                    testing::Pointwise(testing::FloatNear(kTolerance), b.outputs[i][j].logits))
            << "text " << i << ", task " << j;
      }
    }
  }

  static Work Total(const PassResult& result) {
    Work total;
    for (const Work& work : result.work) total += work;
    return total;
  }

  const EncoderConfig config_;
  const std::shared_ptr<const Encoder> encoder_;
  std::mt19937 random_{6};
  std::vector<std::shared_ptr<const LoadedTask>> tasks_;
  std::vector<TokenizedText> texts_;
};

TEST_F(PassRunnerTest, AnyHistoryOfPassesAnswersAsWithoutCaches) {
  PassCaches caches(*encoder_, {.tap_bytes = kMegabyte});
  PassRunner runner(encoder_, caches);
  const auto pick = [&](int low, int high) {
    return std::uniform_int_distribution<int>(low, high)(random_);
  };
  for (int pass = 0; pass < 200; ++pass) {
    std::vector<PassText> texts;
    for (int i = pick(1, 4); i > 0; --i) {
      std::vector<PassTask> tasks;
      for (int j = pick(1, 3); j > 0; --j) {
        tasks.push_back(Task(static_cast<size_t>(pick(0, 4)), pick(0, config_.layers)));
      }
      if (pick(0, 9) == 0) tasks.push_back({.task = nullptr});
      texts.push_back(Text(static_cast<size_t>(pick(0, 3)), std::move(tasks)));
    }
    ExpectEqualAnswers(Run(runner, texts), RunCold(texts));
    if (HasFailure()) break;
  }
  const CacheCounts counts = caches.taps.counts();
  EXPECT_GT(counts.hits, 100);
  EXPECT_GT(counts.misses, 3);
  EXPECT_EQ(counts.entries, 4);
}

TEST_F(PassRunnerTest, ARepeatedTextAtTheLastLayerRunsNothingOfTheTrunk) {
  PassCaches caches(*encoder_, {.tap_bytes = kMegabyte});
  PassRunner runner(encoder_, caches);
  const int last = config_.layers - 1;
  const std::vector<PassText> texts = {Text(1, {Task(0, last), Task(2, last)})};
  const double cold = Total(Run(runner, texts)).row_layers_run;
  EXPECT_GT(cold, 0);
  const PassResult again = Run(runner, texts);
  EXPECT_EQ(Total(again).row_layers_run, 0);
  EXPECT_EQ(Total(again).row_layers_cached, cold);
  ExpectEqualAnswers(again, RunCold(texts));
  EXPECT_EQ(caches.taps.counts().hits, 1);
}

TEST_F(PassRunnerTest, AStateOfAllRowsIsKeptFromTheSecondSightOn) {
  PassCaches caches(*encoder_, {.tap_bytes = kMegabyte});
  PassRunner runner(encoder_, caches);
  const std::vector<PassText> texts = {Text(2, {Task(0, 1)})};
  Run(runner, texts);
  EXPECT_EQ(caches.taps.counts().entries, 0);
  Run(runner, texts);
  EXPECT_EQ(caches.taps.counts().entries, 1);
  EXPECT_GT(Total(Run(runner, texts)).row_layers_cached, 0);
}

TEST_F(PassRunnerTest, ACacheSmallerThanOneTapAnswersAllTheSame) {
  PassCaches caches(*encoder_, {.tap_bytes = 100});
  PassRunner runner(encoder_, caches);
  const std::vector<PassText> texts = {Text(0, {Task(0, 3)}), Text(3, {Task(1, 2)})};
  for (int i = 0; i < 3; ++i) ExpectEqualAnswers(Run(runner, texts), RunCold(texts));
  EXPECT_EQ(caches.taps.counts().bytes, 0);
}

TEST_F(PassRunnerTest, ClearedCachesStartAgain) {
  PassCaches caches(*encoder_, {.tap_bytes = kMegabyte});
  PassRunner runner(encoder_, caches);
  const std::vector<PassText> texts = {Text(0, {Task(0, 3)})};
  Run(runner, texts);
  caches.taps.Clear();
  EXPECT_EQ(Total(Run(runner, texts)).row_layers_cached, 0);
}

TEST_F(PassRunnerTest, IdenticalTextsOfAPassShareOneTrunk) {
  const std::vector<PassText> once = {Text(1, {Task(0, 2)})};
  const TokenizedText copy = texts_[1];
  std::vector<PassText> thrice = {Text(1, {Task(0, 2)}), Text(2, {Task(1, 1)}),
                                  Text(1, {Task(0, 2)})};
  thrice.push_back({.text = &copy, .tasks = {Task(0, 2)}});
  const PassResult result = RunCold(thrice);
  ExpectEqualAnswers(result, [&] {
    PassResult each;
    for (const PassText& text : thrice) each.outputs.push_back(RunCold({text}).outputs[0]);
    return each;
  }());
  EXPECT_DOUBLE_EQ(
      result.work[0].row_layers_run + result.work[2].row_layers_run + result.work[3].row_layers_run,
      Total(RunCold(once)).row_layers_run);
  EXPECT_DOUBLE_EQ(result.work[0].row_layers_run, result.work[3].row_layers_run);
}

TEST_F(PassRunnerTest, SegmentIdsTellTextsApart) {
  TokenizedText other = texts_[1];
  for (int32_t& segment : other.segment_ids) segment = 1;
  const std::vector<PassText> both = {Text(1, {Task(0, 2)}),
                                      {.text = &other, .tasks = {Task(0, 2)}}};
  const PassResult result = RunCold(both);
  EXPECT_NE(result.outputs[0][0].logits, result.outputs[1][0].logits);
}

TEST_F(PassRunnerTest, FinishedAnswersAreNotComputedAgain) {
  PassCaches caches(*encoder_, {.tap_bytes = 0, .answer_bytes = kMegabyte});
  PassRunner runner(encoder_, caches);
  const PassResult first = Run(runner, {Text(0, {Task(0, 1), Task(1, 2)}), Text(1, {Task(0, 0)})});
  EXPECT_EQ(caches.answers.counts().entries, 3);
  const PassResult second = Run(runner, {Text(0, {Task(1, 2), Task(1, 3)}), Text(1, {Task(0, 0)})});
  EXPECT_EQ(second.outputs[0][0].logits, first.outputs[0][1].logits);
  EXPECT_EQ(second.outputs[1][0].logits, first.outputs[1][0].logits);
  EXPECT_EQ(second.work[1].row_layers_run, 0);
  EXPECT_GT(second.work[0].row_layers_run, 0);
  EXPECT_EQ(caches.answers.counts().hits, 2);
  ExpectEqualAnswers(second, RunCold({Text(0, {Task(1, 2), Task(1, 3)}), Text(1, {Task(0, 0)})}));
}

TEST_F(PassRunnerTest, AThousandTasksOnOneText) {
  std::vector<PassTask> tasks;
  while (tasks_.size() < 1000) Add(PfeifferLayout(config_.layers));
  for (size_t i = 0; i < tasks_.size(); ++i) {
    tasks.push_back(Task(i, static_cast<int>(i) % (config_.layers + 1)));
  }
  const PassResult all = RunCold({Text(3, tasks)});
  for (const size_t i : {0, 1, 2, 500, 999}) {
    const PassResult alone = RunCold({Text(3, {tasks[i]})});
    EXPECT_THAT(all.outputs[0][i].logits,
                testing::Pointwise(testing::FloatNear(kTolerance), alone.outputs[0][0].logits));
  }
}

TEST_F(PassRunnerTest, ABypassNeitherReadsNorKeeps) {
  PassCaches caches(*encoder_, {.tap_bytes = kMegabyte, .answer_bytes = kMegabyte});
  PassRunner runner(encoder_, caches);
  PassTask bypassing = Task(0, config_.layers - 1);
  bypassing.bypass_caches = true;
  for (int turn = 0; turn < 3; ++turn) {
    EXPECT_EQ(Total(Run(runner, {Text(0, {bypassing})})).row_layers_cached, 0) << "turn " << turn;
  }
  EXPECT_EQ(caches.taps.counts().entries, 0);
  EXPECT_EQ(caches.answers.counts().entries, 0);

  const PassTask plain = Task(0, config_.layers - 1);
  for (int turn = 0; turn < 3; ++turn) Run(runner, {Text(0, {plain})});
  EXPECT_GT(Total(Run(runner, {Text(0, {plain})})).row_layers_cached, 0);
  EXPECT_EQ(Total(Run(runner, {Text(0, {bypassing})})).row_layers_cached, 0);
  ExpectEqualAnswers(Run(runner, {Text(0, {bypassing})}), RunCold({Text(0, {plain})}));
}

TEST_F(PassRunnerTest, SaysWhatAKeptTrunkSaved) {
  const int last = config_.layers - 1;
  const std::vector<PassText> texts = {Text(1, {Task(0, last), Task(1, last)})};
  PassCaches caches(*encoder_, {.tap_bytes = kMegabyte});
  PassRunner runner(encoder_, caches);
  const PassResult first = Run(runner, texts);
  EXPECT_EQ(first.outputs[0][0].cached_layers, 0);
  const PassResult second = Run(runner, {Text(1, {Task(0, last)})});
  EXPECT_EQ(second.outputs[0][0].cached_layers, config_.layers);
  // The other one forks at the last layer's attention, below the tap.
  EXPECT_EQ(Run(runner, {Text(1, {Task(1, last)})}).outputs[0][0].cached_layers, 0);
}

TEST_F(PassRunnerTest, AKeptAnswerSavedAllLayers) {
  PassCaches caches(*encoder_, {.tap_bytes = 0, .answer_bytes = kMegabyte});
  PassRunner runner(encoder_, caches);
  const std::vector<PassText> texts = {Text(1, {Task(1, 0)})};
  EXPECT_EQ(Run(runner, texts).outputs[0][0].cached_layers, 0);
  EXPECT_EQ(Run(runner, texts).outputs[0][0].cached_layers, config_.layers);
}

TEST_F(PassRunnerTest, TellsWhereTheTimeOfAPassWent) {
  const auto sum = [](const PassTimes& times) {
    return times.trunk_ms + times.branches_ms + times.heads_ms;
  };
  const PassResult mixed = RunCold({Text(3, {Task(0, 2), Task(1, 0)})});
  EXPECT_GT(mixed.times.trunk_ms, 0);
  EXPECT_GT(mixed.times.branches_ms, 0);
  EXPECT_GT(mixed.times.heads_ms, 0);
  EXPECT_LE(sum(mixed.times), mixed.actual_ms);
  const PassResult plain = RunCold({Text(3, {{.task = nullptr}})});
  EXPECT_GT(plain.times.trunk_ms, 0);
  EXPECT_EQ(plain.times.branches_ms, 0);
}

TEST_F(PassRunnerTest, AnAbandonedPassEndsBetweenLayersAndTheNextRunsAsEver) {
  const c10::InferenceMode inference;
  PassCaches caches(*encoder_, {.tap_bytes = kMegabyte});
  PassRunner runner(encoder_, caches);
  const std::vector<PassText> texts = {Text(0, {Task(0, 0)}), Text(3, {Task(1, 2)})};
  int asked = 0;
  const auto ended = runner.Run(texts, [&] { return ++asked == 2; });
  EXPECT_EQ(ended.status().code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(asked, 2);
  asked = 0;
  const auto whole = runner.Run(texts, [&] {
    ++asked;
    return false;
  });
  ASSERT_TRUE(whole.ok());
  EXPECT_EQ(asked, config_.layers - 1);
  ExpectEqualAnswers(*whole, RunCold(texts));
}

TEST_F(PassRunnerTest, TheLongestTextIsServedAndCached) {
  PassCaches caches(*encoder_, {.tap_bytes = kMegabyte});
  PassRunner runner(encoder_, caches);
  const TokenizedText longest = RandomText(config_, config_.max_positions, random_);
  const std::vector<PassText> texts = {{.text = &longest, .tasks = {Task(0, 2), Task(1, 0)}}};
  for (int i = 0; i < 3; ++i) ExpectEqualAnswers(Run(runner, texts), RunCold(texts));
}

TEST_F(PassRunnerTest, ANanInAnAdapterFailsItsTaskAloneAndIsNotCached) {
  Adapter broken = RandomAdapter(PfeifferLayout(config_.layers), config_.hidden_size, 5, 1);
  broken.modules[2][static_cast<size_t>(Place::kFfn)]->up_bias[0] = NAN;
  const LoadedTask bad(TaskInfo{.name = "bad"}, std::move(broken),
                       RandomHead(config_.hidden_size, {"no", "yes"}, 1));
  PassCaches caches(*encoder_, {.tap_bytes = kMegabyte, .answer_bytes = kMegabyte});
  PassRunner runner(encoder_, caches);
  const std::vector<PassText> texts = {Text(0, {{&bad, 1}, Task(0, 1)})};
  for (int i = 0; i < 3; ++i) {
    const PassResult result = Run(runner, texts);
    EXPECT_EQ(result.outputs[0][0].status.code(), absl::StatusCode::kInternal);
    EXPECT_TRUE(result.outputs[0][1].status.ok());
  }
  EXPECT_EQ(caches.answers.counts().entries, 1);
}

}  // namespace
}  // namespace fathom
