#include "adapters/profile_task.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "adapters/train_task.h"
#include "runtime/file/mapped_file.h"
#include "runtime/task/format/adapter_folder.h"
#include "tests/adapters/tiny_training.h"

namespace fathom::training {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using ::testing::HasSubstr;

class ProfileTaskTest : public TinyTraining {
 protected:
  ProfileTaskTest() {
    const absl::Status status = TrainTask(options_, Console());
    EXPECT_TRUE(status.ok()) << status;
    result_.str("");
    profile_.encoder_dir = options_.encoder_dir;
    profile_.task_dir = options_.output_dir;
    profile_.data_file = WriteRows("test.tsv", 7);
    profile_.calibration = "off";
    profile_.timing_rounds = 1;
  }

  absl::Status Profile() { return ProfileTask(profile_, Console()); }

  fs::path ConfigPath() const { return fs::path(options_.output_dir) / "adapter_config.json"; }
  json Config() const { return json::parse(*ReadTextFile(ConfigPath().string())); }
  void WriteConfig(const json& config) const { std::ofstream(ConfigPath()) << config.dump(); }

  ProfileOptions profile_;
};

TEST_F(ProfileTaskTest, WritesTheProfileAndKeepsEverythingElse) {
  json before = Config();
  before["mine"] = {{"z", 1}, {"a", "kept"}};
  before["fathom"]["mine"] = 5;
  WriteConfig(before);
  const absl::Status status = Profile();
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_THAT(result_.str(), HasSubstr("accuracy over 14 rows"));
  EXPECT_THAT(result_.str(), HasSubstr("8 tasks"));

  const auto read = ReadAdapterFolder(options_.output_dir, SmallEncoderConfig());
  ASSERT_TRUE(read.ok()) << read.status();
  const DepthProfile& profile = *read->training->profile;
  EXPECT_EQ(profile.samples, 14);
  ASSERT_EQ(profile.points.size(), 5u);
  for (const DepthPoint& point : profile.points) {
    EXPECT_TRUE(point.agreement && point.macro_f1 && point.half_width);
    EXPECT_GT(point.ms_one_task.value_or(0), 0);
    EXPECT_GT(point.ms_eight_tasks.value_or(0), 0);
  }
  EXPECT_EQ(read->training->method, "robust");

  json after = Config();
  EXPECT_EQ(after["fathom"]["details"]["profile-data"], "test.tsv");
  EXPECT_EQ(after["fathom"]["details"]["profile-data-chose-weights"], false);
  EXPECT_EQ(after["fathom"]["mine"], 5);
  after.erase("fathom");
  before.erase("fathom");
  EXPECT_EQ(after, before);
}

TEST_F(ProfileTaskTest, TheRowsThatChoseTheWeightsAreToldSo) {
  profile_.data_file = options_.dev_file;
  ASSERT_TRUE(Profile().ok());
  EXPECT_EQ(Config()["fathom"]["details"]["profile-data-chose-weights"], true);
}

TEST_F(ProfileTaskTest, ADryRunWritesTheReportOnly) {
  const json before = Config();
  profile_.dry_run = true;
  profile_.timing_rounds = 0;
  profile_.json_file = (folder_ / "profile.json").string();
  ASSERT_TRUE(Profile().ok());
  EXPECT_EQ(Config(), before);
  const json report = json::parse(*ReadTextFile(profile_.json_file));
  EXPECT_EQ(report["tasks"]["film"]["profile_steps"].size(), 4u);
  EXPECT_FALSE(report["tasks"]["film"]["points"][0].contains("ms_one_task"));
}

TEST_F(ProfileTaskTest, AForeignAdapterIsMeasuredToo) {
  json config = Config();
  config.erase("fathom");
  WriteConfig(config);
  profile_.metric = Metric::kMacroF1;
  ASSERT_TRUE(Profile().ok());
  const json record = Config()["fathom"];
  EXPECT_EQ(record["metric"], "macro_f1");
  EXPECT_EQ(record["details"]["profile-data-chose-weights"], nullptr);
  EXPECT_THAT(result_.str(), ::testing::Not(HasSubstr("not trained")));
}

TEST_F(ProfileTaskTest, RefusesWhatCannotBeMeasured) {
  profile_.labels = {"yes"};
  EXPECT_THAT(std::string(Profile().message()), HasSubstr("--labels names 1"));
  profile_.labels = {"good", "bad"};
  EXPECT_THAT(std::string(Profile().message()),
              HasSubstr("label 'yes' is not one of the head's: good, bad"));
  profile_.labels.clear();
  profile_.metric = Metric::kPearson;
  EXPECT_THAT(std::string(Profile().message()), HasSubstr("does not fit"));
  profile_.metric.reset();
  for (const char* file :
       {"head_config.json", "model_head.safetensors", "pytorch_model_head.bin"}) {
    fs::remove(fs::path(options_.output_dir) / file);
  }
  const absl::Status headless = Profile();
  EXPECT_EQ(headless.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(headless.message()), HasSubstr("no prediction head"));
}

TEST_F(ProfileTaskTest, RefusesAHeadThatIsNotScoredByOneLabel) {
  const fs::path path = fs::path(options_.output_dir) / "head_config.json";
  std::ifstream in(path);
  json head = json::parse(in);
  in.close();
  head["config"]["head_type"] = "tagging";
  std::ofstream(path) << head;
  const absl::Status status = Profile();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr("the head tags tokens"));
}

TEST_F(ProfileTaskTest, RefusesATaskOfAnotherEncoder) {
  json config = Config();
  config["fathom"]["encoder_fingerprint"] = "0123";
  WriteConfig(config);
  EXPECT_THAT(std::string(Profile().message()), HasSubstr("trained on the encoder 0123"));
}

}  // namespace
}  // namespace fathom::training
