// Heads that tag tokens or give several labels, and pooled states, against the Python `adapters`
// library (tests/golden/make_output_golden.py).
#include <algorithm>
#include <cmath>
#include <fstream>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "runtime/engine.h"

namespace fathom {
namespace {

constexpr float kTolerance = 1e-4F;

// Infinite for rows of different lengths.
float MaxAbsDifference(const std::vector<float>& actual, const std::vector<float>& expected) {
  if (actual.size() != expected.size()) return std::numeric_limits<float>::infinity();
  float largest = 0;
  for (size_t i = 0; i < actual.size(); ++i) {
    largest = std::max(largest, std::abs(actual[i] - expected[i]));
  }
  return largest;
}

struct Case {
  size_t input = 0;
  PassTask task;
  std::vector<float> expected;
  std::string what;
};

class OutputGoldenTest : public testing::Test {
 protected:
  void Start(const CacheOptions& caches) {
    const std::string folder = FATHOM_SOURCE_DIR "/tests/golden/";
    std::ifstream file(folder + "outputs/expected.json");
    ASSERT_TRUE(file.is_open());
    expected_ = nlohmann::json::parse(file);
    auto engine = CreateEngine(EngineOptions{.encoder_dir = folder + "data/tiny-a",
                                             .tasks_dir = folder + "outputs/tasks",
                                             .threads = 1,
                                             .calibration_dir = "off",
                                             .caches = caches});
    ASSERT_TRUE(engine.ok()) << engine.status();
    engine_ = *std::move(engine);
    for (const nlohmann::json& input : expected_["inputs"]) {
      RawTokenIds raw{.ids = input["ids"], .segment_ids = input["segment_ids"]};
      auto text = engine_->Tokenize(std::move(raw), Truncation::kError);
      ASSERT_TRUE(text.ok()) << text.status();
      texts_.push_back(*std::move(text));
    }
    for (const auto& [name, golden] : expected_["tasks"].items()) {
      AddDepths(name, PassOutput::kHead, golden["logits"]);
    }
    for (const auto& [name, golden] : expected_["states"].items()) {
      AddDepths(name, PassOutput::kClsState, golden["cls"]);
      AddDepths(name, PassOutput::kMeanState, golden["mean"]);
    }
  }

  // The raw encoder answers the same at every n, so it has one.
  void AddDepths(const std::string& name, PassOutput output, const nlohmann::json& depths) {
    PassTask task{.output = output};
    if (!name.empty()) {
      const auto found = engine_->FindTask(name, 0);
      ASSERT_TRUE(found.ok()) << found.status();
      tasks_.push_back(*found);
      task.task = found->get();
    }
    for (size_t n = 0; n < depths.size(); ++n) {
      task.skip_layers = static_cast<int>(n);
      for (size_t input = 0; input < depths[n].size(); ++input) {
        cases_.push_back({input, task, depths[n][input],
                          absl::StrCat("task '", name, "', output ", static_cast<int>(output),
                                       ", n = ", n, ", input ", input)});
      }
    }
  }

  void ExpectAllInOnePass() {
    std::vector<PassText> pass(texts_.size());
    std::vector<std::vector<const Case*>> asked(texts_.size());
    for (size_t i = 0; i < texts_.size(); ++i) pass[i].text = &texts_[i];
    for (const Case& one : cases_) {
      pass[one.input].tasks.push_back(one.task);
      asked[one.input].push_back(&one);
    }
    const auto result = engine_->Run(pass, {});
    ASSERT_TRUE(result.ok()) << result.status();
    for (size_t i = 0; i < pass.size(); ++i) {
      ASSERT_EQ(result->outputs[i].size(), asked[i].size());
      for (size_t j = 0; j < asked[i].size(); ++j) Expect(result->outputs[i][j], *asked[i][j]);
    }
  }

  static void Expect(const TaskOutput& output, const Case& expected) {
    ASSERT_TRUE(output.status.ok()) << expected.what << ": " << output.status;
    EXPECT_LE(MaxAbsDifference(output.logits, expected.expected), kTolerance) << expected.what;
  }

  nlohmann::json expected_;
  std::unique_ptr<Engine> engine_;
  std::vector<TokenizedText> texts_;
  std::vector<std::shared_ptr<const ServableTask>> tasks_;  // keeps those of cases_ alive
  std::vector<Case> cases_;
};

TEST_F(OutputGoldenTest, EachAloneAnswersAsTheLibrary) {
  Start({.tap_bytes = 0});
  for (const Case& one : cases_) {
    const PassText text{.text = &texts_[one.input], .tasks = {one.task}};
    const auto result = engine_->Run({&text, 1}, {});
    ASSERT_TRUE(result.ok()) << one.what << ": " << result.status();
    Expect(result->outputs[0][0], one);
  }
}

TEST_F(OutputGoldenTest, AllInOnePassAnswerAsTheLibrary) {
  Start({.tap_bytes = 0});
  ExpectAllInOnePass();
}

TEST_F(OutputGoldenTest, FromTapsTheyAnswerTheSame) {
  Start({});
  for (int pass = 0; pass < 3; ++pass) ExpectAllInOnePass();
  EXPECT_GT(engine_->cache_report().taps.hits, 0);
  for (const Case& one : cases_) {
    const PassText text{.text = &texts_[one.input], .tasks = {one.task}};
    const auto result = engine_->Run({&text, 1}, {});
    ASSERT_TRUE(result.ok()) << one.what << ": " << result.status();
    Expect(result->outputs[0][0], one);
  }
}

TEST_F(OutputGoldenTest, FromTheAnswerCacheTheyAnswerTheSame) {
  Start({.answer_bytes = 8 << 20});
  ExpectAllInOnePass();
  const CacheCounts first = engine_->cache_report().answers;
  EXPECT_EQ(first.hits, 0);
  EXPECT_EQ(first.entries, static_cast<int64_t>(cases_.size()));
  size_t bytes = 0;
  for (const Case& one : cases_) bytes += one.expected.size() * sizeof(float);
  EXPECT_GT(first.bytes, static_cast<int64_t>(bytes));
  ExpectAllInOnePass();
  EXPECT_EQ(engine_->cache_report().answers.hits, static_cast<int64_t>(cases_.size()));
}

TEST_F(OutputGoldenTest, TasksSayWhatTheyAre) {
  Start({});
  for (const auto& [name, golden] : expected_["tasks"].items()) {
    const auto task = engine_->FindTask(name, 0);
    ASSERT_TRUE(task.ok()) << task.status();
    EXPECT_EQ((*task)->info().head,
              golden["kind"] == "tagging" ? HeadKind::kTagging : HeadKind::kMultiLabel);
    EXPECT_EQ((*task)->info().labels, golden["labels"].get<std::vector<std::string>>());
  }
}

}  // namespace
}  // namespace fathom
