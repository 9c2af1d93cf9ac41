#include "adapters/train_task.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "runtime/model/tensor_file.h"
#include "runtime/task/format/adapter_folder.h"
#include "tests/support/random_model.h"

namespace fathom::training {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

constexpr const char* kConfig = R"({"model_type": "bert", "num_hidden_layers": 4,
  "hidden_size": 32, "num_attention_heads": 4, "intermediate_size": 64, "vocab_size": 97,
  "max_position_embeddings": 40, "type_vocab_size": 2, "hidden_act": "gelu",
  "layer_norm_eps": 1e-12})";
constexpr const char* kVocab = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\ngood\nbad\nfilm\n";

class TrainTaskTest : public testing::Test {
 protected:
  TrainTaskTest() {
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
    for (int i = 0; i < 12; ++i) rows << "good film\tyes\nbad bad film\tno\n";
    rows.close();
    options_.encoder_dir = (folder_ / "encoder").string() + "/";
    options_.train_file = options_.dev_file = (folder_ / "rows.tsv").string();
    options_.output_dir = (folder_ / "tasks" / "film").string();
    options_.batch_size = 4;
    options_.epochs = 2;
  }

  absl::Status Train(bool stop = false) {
    return TrainTask(options_, {.progress = progress_, .result = result_, .stop_requested = [stop] {
                                  return stop;
                                }});
  }

  const fs::path folder_ = fs::path(testing::TempDir()) / "train_task_test";
  TrainOptions options_;
  std::ostringstream progress_;
  std::ostringstream result_;
};

TEST_F(TrainTaskTest, WritesATaskWithItsProfile) {
  const absl::Status status = Train();
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_THAT(result_.str(), HasSubstr("dev accuracy over 24 rows"));
  EXPECT_FALSE(fs::exists(options_.output_dir + ".checkpoint"));
  const auto read = ReadAdapterFolder(options_.output_dir, SmallEncoderConfig());
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->name, "film");
  EXPECT_EQ(read->architecture, "pfeiffer");
  EXPECT_THAT(read->head->labels, testing::ElementsAre("no", "yes"));
  EXPECT_EQ(read->training->method, "robust");
  EXPECT_EQ(read->training->trained_skip_layers.last, 3);
  EXPECT_EQ(read->training->profile->points.size(), 5u);
  EXPECT_THAT(read->training->details_json, HasSubstr("\"train-rows\""));
}

TEST_F(TrainTaskTest, ASpecializedAdapterHasNoModulesBelowItsDepth) {
  options_.method = Method::kSpecialized;
  options_.skip_layers = 2;
  ASSERT_TRUE(Train().ok());
  const auto read = ReadAdapterFolder(options_.output_dir, SmallEncoderConfig());
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_FALSE(read->adapter.layout.HasModule(1, Place::kFfn));
  EXPECT_TRUE(read->adapter.layout.HasModule(2, Place::kFfn));
  EXPECT_EQ(read->training->trained_skip_layers.first, 2);
  EXPECT_DOUBLE_EQ(read->training->profile->Find(0)->score,
                   read->training->profile->Find(2)->score);
}

TEST_F(TrainTaskTest, StoppingWritesTheTaskAndResumingEndsIt) {
  const absl::Status stopped = Train(/*stop=*/true);
  EXPECT_EQ(stopped.code(), absl::StatusCode::kCancelled);
  EXPECT_THAT(std::string(stopped.message()), HasSubstr("--resume"));
  EXPECT_TRUE(ReadAdapterFolder(options_.output_dir, SmallEncoderConfig()).ok());
  EXPECT_EQ(Train().code(), absl::StatusCode::kFailedPrecondition) << "without --resume";
  options_.resume = true;
  const absl::Status resumed = Train();
  EXPECT_TRUE(resumed.ok()) << resumed;
  EXPECT_EQ(Train().code(), absl::StatusCode::kNotFound) << "nothing is left to resume";
}

TEST_F(TrainTaskTest, RefusesWhatCannotWorkAndKeepsTheUsersFiles) {
  options_.output_dir = (folder_ / "encoder").string();
  EXPECT_THAT(std::string(Train().message()), HasSubstr("is not an adapter folder"));
  EXPECT_TRUE(fs::exists(folder_ / "encoder" / "vocab.txt"));
  options_.output_dir = (folder_ / "out").string();
  options_.skip_layers = 1;
  EXPECT_THAT(std::string(Train().message()), HasSubstr("--skip-layers is for"));
  options_.method = Method::kSpecialized;
  options_.skip_layers = 4;
  EXPECT_THAT(std::string(Train().message()), HasSubstr("n is 0 … 3"));
  options_.skip_layers = 1;
  options_.metric = Metric::kPearson;
  EXPECT_THAT(std::string(Train().message()), HasSubstr("does not fit classification"));
  options_.metric.reset();
  options_.name = "a.b";
  EXPECT_THAT(std::string(Train().message()), HasSubstr("--name 'a.b'"));
}

}  // namespace
}  // namespace fathom::training
