// The engine against the Python `adapters` library: small random encoders, adapters and fusions
// that the library saved, and its logits at every skip depth (tests/golden/make_golden.py and
// make_fusion_golden.py).
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <fstream>
#include <limits>
#include <memory>
#include <optional>
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

using Row = std::vector<float>;

constexpr float kTolerance = 1e-4F;

// Infinite for rows of different lengths and for a NaN on either side.
float MaxAbsDifference(const Row& actual, const Row& expected) {
  if (actual.size() != expected.size()) return std::numeric_limits<float>::infinity();
  float largest = 0;
  for (size_t i = 0; i < actual.size(); ++i) {
    const float difference = std::abs(actual[i] - expected[i]);
    if (std::isnan(difference)) return std::numeric_limits<float>::infinity();
    largest = std::max(largest, difference);
  }
  return largest;
}

// One request of one (text, task, n), and the library's answer to it.
struct Case {
  size_t input = 0;
  PassTask task;
  Row expected;
  std::string what;  // for messages
};

// Folders and a file under tests/golden.
struct Golden {
  std::string name;
  std::string encoder;
  std::string tasks;
  std::string expected;
};

class GoldenTest : public testing::TestWithParam<Golden> {
 protected:
  void SetUp() override {
    const std::string folder = FATHOM_SOURCE_DIR "/tests/golden/";
    std::ifstream file(folder + GetParam().expected);
    ASSERT_TRUE(file.is_open());
    expected_ = nlohmann::json::parse(file);

    absl::StatusOr<std::unique_ptr<Engine>> engine =
        CreateEngine(EngineOptions{.encoder_dir = folder + GetParam().encoder,
                                   .tasks_dir = folder + GetParam().tasks,
                                   .threads = 1,
                                   .calibration_dir = "off"});
    ASSERT_TRUE(engine.ok()) << engine.status();
    engine_ = *std::move(engine);
    ASSERT_EQ(engine_->encoder().layers, expected_["layers"].get<int>());

    ReadInputs();
    for (const auto& [name, golden] : expected_["tasks"].items()) ReadTask(name, golden);
    ReadRawEncoder();
  }

  void ReadInputs() {
    for (const nlohmann::json& input : expected_["inputs"]) {
      RawTokenIds raw{.ids = input["ids"], .segment_ids = input["segment_ids"]};
      absl::StatusOr<TokenizedText> text = engine_->Tokenize(std::move(raw), Truncation::kError);
      ASSERT_TRUE(text.ok()) << text.status();
      texts_.push_back(*std::move(text));
    }
  }

  void ReadTask(const std::string& name, const nlohmann::json& golden) {
    absl::StatusOr<std::shared_ptr<const ServableTask>> task = engine_->FindTask(name, 0);
    ASSERT_TRUE(task.ok()) << task.status();
    ASSERT_TRUE((*task)->info().load_status.ok()) << name << ": " << (*task)->info().load_status;
    for (size_t n = 0; n < golden["logits"].size(); ++n) {
      AddCases(PassTask{.task = task->get(), .skip_layers = static_cast<int>(n)},
               golden["logits"][n], absl::StrCat("task ", name, ", n = ", n));
    }
    tasks_.push_back(*std::move(task));
  }

  void ReadRawEncoder() {
    for (int n = 0; n <= engine_->encoder().layers; ++n) {
      AddCases(PassTask{.task = nullptr, .skip_layers = n}, expected_["encoder_cls_rows"],
               absl::StrCat("raw encoder, n = ", n));
    }
  }

  void AddCases(const PassTask& task, const nlohmann::json& rows, const std::string& what) {
    ASSERT_EQ(rows.size(), texts_.size());
    for (size_t input = 0; input < rows.size(); ++input) {
      const std::string text = expected_["inputs"][input]["name"];
      cases_.push_back({input, task, rows[input].get<Row>(), absl::StrCat(what, ", ", text)});
    }
  }

  static void ExpectAnswer(const TaskOutput& output, const Case& expected) {
    ASSERT_TRUE(output.status.ok()) << expected.what << ": " << output.status;
    EXPECT_LE(MaxAbsDifference(output.logits, expected.expected), kTolerance)
        << expected.what << ": " << testing::PrintToString(output.logits) << " instead of "
        << testing::PrintToString(expected.expected);
  }

  nlohmann::json expected_;
  std::unique_ptr<Engine> engine_;
  std::vector<TokenizedText> texts_;
  std::vector<std::shared_ptr<const ServableTask>> tasks_;  // keeps the versions of cases_ alive
  std::vector<Case> cases_;
};

TEST_P(GoldenTest, EachTextTaskAndDepthAloneAnswersAsTheLibrary) {
  for (const Case& one : cases_) {
    const PassText text{.text = &texts_[one.input], .tasks = {one.task}};
    const absl::StatusOr<PassResult> result = engine_->Run({&text, 1}, {});
    ASSERT_TRUE(result.ok()) << one.what << ": " << result.status();
    ASSERT_EQ(result->outputs.size(), 1U);
    ASSERT_EQ(result->outputs[0].size(), 1U);
    ExpectAnswer(result->outputs[0][0], one);
  }
}

TEST_P(GoldenTest, AllTextsTasksAndDepthsInOnePassAnswerAsTheLibrary) {
  std::vector<PassText> pass(texts_.size());
  std::vector<std::vector<const Case*>> asked(texts_.size());
  for (size_t i = 0; i < texts_.size(); ++i) pass[i].text = &texts_[i];
  for (const Case& one : cases_) {
    pass[one.input].tasks.push_back(one.task);
    asked[one.input].push_back(&one);
  }

  const absl::StatusOr<PassResult> result = engine_->Run(pass, {});

  ASSERT_TRUE(result.ok()) << result.status();
  ASSERT_EQ(result->outputs.size(), pass.size());
  for (size_t i = 0; i < pass.size(); ++i) {
    ASSERT_EQ(result->outputs[i].size(), asked[i].size());
    for (size_t j = 0; j < asked[i].size(); ++j) ExpectAnswer(result->outputs[i][j], *asked[i][j]);
  }
}

TEST_P(GoldenTest, LabelsStandInTheOrderOfTheLogits) {
  for (const std::shared_ptr<const ServableTask>& task : tasks_) {
    const TaskInfo& info = task->info();
    const std::vector<std::string> labels = expected_["tasks"][info.name]["labels"];
    EXPECT_EQ(info.labels, labels) << info.name;
    EXPECT_EQ(info.head, labels.empty() ? HeadKind::kRegression : HeadKind::kClassification)
        << info.name;
  }
}

TEST_P(GoldenTest, TheTokenizerMakesTheIdsOfPython) {
  size_t compared = 0;
  for (const nlohmann::json& input : expected_["inputs"]) {
    if (!input.contains("text")) continue;
    const std::string first = input["text"];
    const std::string second = input.value("text_pair", "");
    RawText raw{.first = first, .second = std::nullopt};
    if (!second.empty()) raw.second = second;
    const absl::StatusOr<TokenizedText> text = engine_->Tokenize(raw, Truncation::kError);
    ASSERT_TRUE(text.ok()) << text.status();
    EXPECT_EQ(text->ids, input["ids"].get<std::vector<int32_t>>());
    EXPECT_EQ(text->segment_ids, input["segment_ids"].get<std::vector<int32_t>>());
    ++compared;
  }
  EXPECT_GT(compared, 0U);
}

INSTANTIATE_TEST_SUITE_P(
    Encoders, GoldenTest,
    testing::Values(
        Golden{"TinyA", "data/tiny-a", "data/tiny-a/adapters", "data/tiny-a/expected.json"},
        Golden{"TinyB", "data/tiny-b", "data/tiny-b/adapters", "data/tiny-b/expected.json"},
        Golden{"Fusions", "data/tiny-a", "fusions/tasks", "fusions/expected.json"}),
    [](const testing::TestParamInfo<Golden>& golden) { return golden.param.name; });

}  // namespace
}  // namespace fathom
