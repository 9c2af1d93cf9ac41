// fathom-train as two processes, as torchrun would start them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/support/free_port.h"
#include "tests/support/process.h"
#include "tests/support/random_model.h"

namespace fathom::training {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

constexpr const char* kConfig = R"({"model_type": "bert", "num_hidden_layers": 4,
  "hidden_size": 32, "num_attention_heads": 4, "intermediate_size": 64, "vocab_size": 97,
  "max_position_embeddings": 40, "type_vocab_size": 2, "hidden_act": "gelu",
  "layer_norm_eps": 1e-12, "hidden_dropout_prob": 0, "attention_probs_dropout_prob": 0})";
constexpr const char* kVocab = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\ngood\nbad\nfilm\n";

struct LoggedStep {
  int skip_layers = 0;
  double loss = 0;
};

class ParallelTrainingTest : public ::testing::Test {
 protected:
  ParallelTrainingTest() {
    fs::remove_all(folder_);
    fs::create_directories(folder_ / "encoder");
    std::ofstream(folder_ / "encoder" / "config.json") << kConfig;
    std::ofstream(folder_ / "encoder" / "vocab.txt") << kVocab;
    const absl::Status status =
        WriteSafetensors((folder_ / "encoder" / "model.safetensors").string(),
                         RandomEncoderTensors(SmallEncoderConfig(), 3));
    EXPECT_TRUE(status.ok()) << status;
    std::ofstream rows(folder_ / "rows.tsv");
    rows << "sentence\tlabel\n";
    // 25 rows in steps of 4: the last step has one text, and one rank none.
    for (int i = 0; i < 12; ++i) rows << "good film\tyes\nbad bad film\tno\n";
    rows << "good good film\tyes\n";
  }

  std::vector<std::string> Command(const std::string& name, int epochs = 3) const {
    const std::string rows = (folder_ / "rows.tsv").string();
    return {FATHOM_TRAIN,
            "--encoder",
            (folder_ / "encoder").string(),
            "--train",
            rows,
            "--dev",
            rows,
            "--output",
            (folder_ / name).string(),
            "--log",
            (folder_ / (name + ".jsonl")).string(),
            "--batch-size",
            "4",
            "--epochs",
            std::to_string(epochs),
            "--learning-rate",
            "0.005",
            "--encoder-dropout",
            "off",
            "--threads",
            "1"};
  }

  static std::vector<std::string> Rank(int rank, uint16_t port) {
    return {"WORLD_SIZE=2", "RANK=" + std::to_string(rank), "MASTER_ADDR=127.0.0.1",
            "MASTER_PORT=" + std::to_string(port)};
  }

  std::vector<LoggedStep> Steps(const std::string& name) const {
    std::ifstream log(folder_ / (name + ".jsonl"));
    std::vector<LoggedStep> steps;
    for (std::string line; std::getline(log, line);) {
      const auto entry = nlohmann::json::parse(line);
      if (entry.contains("loss")) {
        steps.push_back({entry["n"].get<int>(), entry["loss"].get<double>()});
      }
    }
    return steps;
  }

  const fs::path folder_ = fs::path(::testing::TempDir()) / "parallel_training_test";
};

TEST_F(ParallelTrainingTest, TwoProcessesHaveTheLossesOfOne) {
  const Finished alone = RunProcess(Command("alone"));
  ASSERT_EQ(alone.exit_code, 0) << alone.error;

  const uint16_t port = testing::FreePort();
  Process second(Command("together"), Rank(1, port));
  const Finished first = RunProcess(Command("together"), Rank(0, port));
  ASSERT_EQ(first.exit_code, 0) << first.error;
  ASSERT_EQ(second.Wait(), 0) << second.error();
  EXPECT_THAT(first.output, HasSubstr("accuracy over 25 rows"));
  EXPECT_EQ(second.output(), "") << "the first rank speaks for all";
  EXPECT_TRUE(fs::exists(folder_ / "together" / "adapter_config.json"));

  const std::vector<LoggedStep> expected = Steps("alone");
  const std::vector<LoggedStep> steps = Steps("together");
  ASSERT_EQ(expected.size(), 21u);
  ASSERT_EQ(steps.size(), expected.size());
  for (size_t i = 0; i < steps.size(); ++i) {
    EXPECT_EQ(steps[i].skip_layers, expected[i].skip_layers) << "step " << i + 1;
    EXPECT_NEAR(steps[i].loss, expected[i].loss, 2e-4) << "step " << i + 1;
  }
}

TEST_F(ParallelTrainingTest, ARankThatDiesEndsTheOthersAndTheRunCanGoOn) {
  const uint16_t port = testing::FreePort();
  Process second(Command("dying", 100000), Rank(1, port));
  Process first(Command("dying", 100000), Rank(0, port));
  ASSERT_TRUE(first.AwaitError("dev n=0")) << first.error();
  second.Signal(SIGKILL);
  EXPECT_EQ(first.Wait(), 1);
  EXPECT_THAT(first.error(), HasSubstr("rank 0 of 2"));
  EXPECT_THAT(first.error(), HasSubstr("--resume"));

  std::vector<std::string> resume = Command("dying", 100000);
  resume.push_back("--resume");
  const uint16_t next_port = testing::FreePort();
  Process second_again(resume, Rank(1, next_port));
  Process first_again(resume, Rank(0, next_port));
  ASSERT_TRUE(first_again.AwaitError("dev n=0")) << first_again.error();
  first_again.Signal(SIGTERM);
  EXPECT_EQ(first_again.Wait(), 130) << first_again.error();
  EXPECT_EQ(second_again.Wait(), 0) << second_again.error();
}

}  // namespace
}  // namespace fathom::training
