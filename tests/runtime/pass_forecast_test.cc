// What a pass is predicted to take is what it then says of itself; asking leaves no trace.
#include "runtime/pass_forecast.h"

#include <ATen/Parallel.h>
#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <atomic>
#include <random>
#include <thread>

#include "gtest/gtest.h"
#include "tests/support/random_model.h"

namespace fathom {
namespace {

constexpr int64_t kMegabyte = 1 << 20;

// Every entry has its own size.
CostTable Table() {
  return {.query_key_value = {{1, 1}, {64, 8}},
          .attention_dense = {{1, 0.5}, {64, 3}},
          .ffn = {{1, 3}, {64, 17}},
          .epilogue = {{1, 0.01}, {64, 0.2}},
          .attention_call = 0.003,
          .attention_token = 0.002,
          .attention_token_squared = 0.0001,
          .adapter = 0.5,
          .adapter_row_width = 0.0004,
          .cls_call = 0.07,
          .cls_block = 0.013,
          .cls_token = 0.0011,
          .embedding_row = 0.0005,
          .head = 0.09,
          .pass = 0.4};
}

class PassForecastTest : public testing::Test {
 protected:
  PassForecastTest() : config_(SmallEncoderConfig()), encoder_(RandomEncoder(config_, 5)) {
    at::set_num_threads(1);
    const AdapterLayout layouts[] = {PfeifferLayout(config_.layers), HoulsbyLayout(config_.layers),
                                     PfeifferLayout(config_.layers, {0, 2})};
    for (const AdapterLayout& layout : layouts) {
      const uint64_t seed = 300 + tasks_.size();
      const int width = 3 + static_cast<int>(tasks_.size());
      tasks_.push_back(std::make_shared<const LoadedTask>(
          TaskInfo{.name = "task"}, RandomAdapter(layout, config_.hidden_size, width, seed),
          RandomHead(config_.hidden_size, {"no", "yes"}, seed)));
    }
    for (int i = 0; i < 3; ++i) texts_.push_back(RandomText(config_, 5 + 2 * i, random_));
  }

  PassTask Task(size_t task, int n) const { return {tasks_[task].get(), n}; }
  PassText Text(size_t text, std::vector<PassTask> tasks) const {
    return {.text = &texts_[text], .tasks = std::move(tasks)};
  }

  PassResult Run(const std::vector<PassText>& texts) {
    const c10::InferenceMode inference;
    return *runner_.Run(texts);
  }
  double Ms(const std::vector<PassText>& texts) const { return forecast_.Predict(texts, 1).ms; }

  const EncoderConfig config_;
  const std::shared_ptr<const Encoder> encoder_;
  std::mt19937 random_{6};
  std::vector<std::shared_ptr<const LoadedTask>> tasks_;
  std::vector<TokenizedText> texts_;
  PassCaches caches_{*encoder_, {.tap_bytes = kMegabyte, .answer_bytes = kMegabyte}};
  CostPredictor costs_{Table()};
  PassRunner runner_{encoder_, caches_, &costs_};
  PassForecast forecast_{config_.layers, caches_, costs_};
};

TEST_F(PassForecastTest, IsWhatTheRunThenPredicts) {
  const auto pick = [&](int low, int high) {
    return std::uniform_int_distribution<int>(low, high)(random_);
  };
  for (int pass = 0; pass < 100; ++pass) {
    std::vector<PassText> texts;
    for (int i = pick(1, 4); i > 0; --i) {
      std::vector<PassTask> tasks;
      for (int j = pick(1, 3); j > 0; --j) {
        tasks.push_back(Task(static_cast<size_t>(pick(0, 2)), pick(0, config_.layers)));
      }
      if (pick(0, 9) == 0) tasks.push_back({.task = nullptr});
      texts.push_back(Text(static_cast<size_t>(pick(0, 2)), std::move(tasks)));
    }
    if (pick(0, 9) == 0) caches_.answers.Clear();
    const double ms = Ms(texts);
    ASSERT_NEAR(Run(texts).predicted_ms, ms, 1e-9 * ms) << "pass " << pass;
  }
  EXPECT_GT(caches_.taps.counts().hits, 0);
  EXPECT_GT(caches_.answers.counts().hits, 0);
}

TEST_F(PassForecastTest, AKeptTextTakesLess) {
  const int last = config_.layers - 1;
  const std::vector<PassText> texts = {Text(0, {Task(0, last)})};
  const double cold = Ms(texts);
  Run(texts);
  caches_.answers.Clear();
  EXPECT_LT(Ms(texts), 0.5 * cold);
  EXPECT_NEAR(Ms({Text(1, {Task(0, last)})}), cold, 0.5 * cold) << "another text is cold";
  Run(texts);
  EXPECT_EQ(Ms(texts), 0) << "answered";
}

TEST_F(PassForecastTest, LeavesNoTraceInTheCaches) {
  const std::vector<PassText> texts = {Text(0, {Task(0, 3)}), Text(1, {Task(1, 1)})};
  for (int i = 0; i < 5; ++i) Ms(texts);
  Run(texts);
  const CacheCounts before = caches_.taps.counts();
  const CacheCounts answers = caches_.answers.counts();
  for (int i = 0; i < 5; ++i) Ms(texts);
  EXPECT_EQ(caches_.taps.counts().hits + caches_.taps.counts().misses, before.hits + before.misses);
  EXPECT_EQ(caches_.answers.counts().hits + caches_.answers.counts().misses,
            answers.hits + answers.misses);
  // A state of all rows is kept from the second sight on: looking is no sight.
  EXPECT_EQ(caches_.taps.Find(texts_[1]).sightings, 2);
}

TEST_F(PassForecastTest, OneColdTextWithOneTaskCostsTheEncoderTheSameAtEveryDepth) {
  const double whole = forecast_.Predict({Text(2, {Task(0, 0)})}, 1).encoder_ms;
  for (int n = 1; n < config_.layers; ++n) {
    const PassPrediction at_n = forecast_.Predict({Text(2, {Task(0, n)})}, 1);
    EXPECT_NEAR(at_n.encoder_ms, whole, 1e-9) << n;
    EXPECT_LE(at_n.encoder_ms, at_n.ms);
  }
  const PassPrediction together = forecast_.Predict({Text(2, {Task(0, 0), Task(1, 0)})}, 1);
  const PassPrediction shared = forecast_.Predict({Text(2, {Task(0, 3), Task(1, 3)})}, 1);
  EXPECT_LT(shared.encoder_ms, 0.9 * together.encoder_ms);
}

TEST_F(PassForecastTest, OfNothingIsNothing) {
  EXPECT_EQ(Ms({}), 0);
  EXPECT_EQ(Ms({Text(0, {})}), 0);
}

TEST_F(PassForecastTest, ManyThreadsMayAskWhileAPassRuns) {
  const std::vector<PassText> texts = {Text(0, {Task(0, 2), Task(1, 1)}), Text(1, {Task(2, 0)})};
  std::atomic<bool> done = false;
  std::atomic<int> bad = 0;
  std::vector<std::thread> askers;
  for (int i = 0; i < 3; ++i) {
    askers.emplace_back([&] {
      while (!done) bad += !(Ms(texts) >= 0);
    });
  }
  for (int i = 0; i < 20; ++i) {
    Run(texts);
    caches_.answers.Clear();
  }
  done = true;
  for (std::thread& asker : askers) asker.join();
  EXPECT_EQ(bad, 0);
}

}  // namespace
}  // namespace fathom
