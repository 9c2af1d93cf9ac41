#include "adapters/train_task.h"

#include <gmock/gmock.h>

#include "runtime/task/format/adapter_folder.h"
#include "tests/adapters/tiny_training.h"

namespace fathom::training {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class TrainTaskTest : public TinyTraining {
 protected:
  absl::Status Train(bool stop = false) { return TrainTask(options_, Console(stop)); }
};

TEST_F(TrainTaskTest, WritesATaskWithItsProfile) {
  const absl::Status status = Train();
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_THAT(result_.str(), HasSubstr("accuracy over 24 rows"));
  EXPECT_FALSE(fs::exists(options_.output_dir + ".checkpoint"));
  const auto read = ReadAdapterFolder(options_.output_dir, SmallEncoderConfig());
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->name, "film");
  EXPECT_EQ(read->architecture, "pfeiffer");
  EXPECT_THAT(read->head->labels, ::testing::ElementsAre("no", "yes"));
  EXPECT_EQ(read->training->method, "robust");
  EXPECT_EQ(read->training->trained_skip_layers.last, 3);
  EXPECT_EQ(read->training->profile->points.size(), 5u);
  EXPECT_THAT(read->training->details_json, HasSubstr("\"train-rows\""));
}

TEST_F(TrainTaskTest, TellsHowUnequalTheClassesAreAndWhatAConstantAnswerScores) {
  std::ofstream(options_.train_file, std::ios::app) << "good\tyes\n";
  ASSERT_TRUE(Train().ok());
  EXPECT_THAT(progress_.str(), HasSubstr("commonest yes 52.0 %, rarest no 48.0 %"));
  EXPECT_THAT(progress_.str(), HasSubstr("a constant answer has the dev accuracy 0.5200"));
}

TEST_F(TrainTaskTest, TheProfileIsMeasuredOnTheFileThatIsNamed) {
  options_.profile_file = WriteRows("held_out.tsv", 3);
  const absl::Status status = Train();
  ASSERT_TRUE(status.ok()) << status;
  const auto read = ReadAdapterFolder(options_.output_dir, SmallEncoderConfig());
  EXPECT_EQ(read->training->profile->samples, 6);
  EXPECT_THAT(read->training->details_json, HasSubstr("\"profile-data\":\"held_out.tsv\""));
  EXPECT_THAT(read->training->details_json, HasSubstr("\"profile-data-chose-weights\":false"));
}

TEST_F(TrainTaskTest, WiringFollowsTheFlags) {
  options_.architecture = "houlsby";
  options_.reduction_factor = "0=8,default=4";
  options_.activation = Activation::kGelu;
  options_.scaling = 0.5;
  ASSERT_TRUE(Train().ok());
  const auto read = ReadAdapterFolder(options_.output_dir, SmallEncoderConfig());
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->architecture, "houlsby");
  EXPECT_EQ(read->adapter.module(0, Place::kFfn).down_bias.numel(), 4);
  EXPECT_EQ(read->adapter.module(3, Place::kAttention).down_bias.numel(), 8);
  EXPECT_EQ(read->adapter.layout.site(Place::kFfn)->activation, Activation::kGelu);
  EXPECT_EQ(read->adapter.layout.site(Place::kFfn)->scaling, 0.5);
}

TEST_F(TrainTaskTest, LayersShareOneModuleThatIsWrittenForEach) {
  options_.share_across_layers = true;
  const absl::Status status = Train();
  ASSERT_TRUE(status.ok()) << status;
  const auto read = ReadAdapterFolder(options_.output_dir, SmallEncoderConfig());
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_TRUE(read->training->shares_layers);
  const AdapterModule& first = read->adapter.module(0, Place::kFfn);
  const AdapterModule& last = read->adapter.module(3, Place::kFfn);
  EXPECT_TRUE(first.down_weight.equal(last.down_weight));
  EXPECT_FALSE(first.up_bias.equal(first.up_bias.new_zeros(first.up_bias.sizes()))) << "trained";
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

TEST_F(TrainTaskTest, KeepsTrunkStatesWhereThatSavesTime) {
  ASSERT_TRUE(Train().ok());
  EXPECT_THAT(progress_.str(), HasSubstr("states of layers 0, 1, 2 and the last [CLS] rows"));
  EXPECT_THAT(progress_.str(), HasSubstr("0.00 of 2.50 trunk layers left a step"));
  EXPECT_THAT(progress_.str(), HasSubstr("of it for trunk states; 0.00 trunk layers a step"));
  progress_.str("");
  options_.epochs = 1;
  ASSERT_TRUE(Train().ok());
  EXPECT_THAT(progress_.str(), ::testing::Not(HasSubstr("states of layers")));
}

TEST_F(TrainTaskTest, AKeptStateFileServesOtherSeedsButNoOtherData) {
  options_.state_cache_dir = (folder_ / "states").string();
  options_.keep_state_cache = true;
  ASSERT_TRUE(Train().ok());
  EXPECT_THAT(progress_.str(), HasSubstr("computed in"));
  options_.seed = 2;
  progress_.str("");
  ASSERT_TRUE(Train().ok());
  EXPECT_THAT(progress_.str(), HasSubstr("read from it"));
  std::ofstream(options_.train_file, std::ios::app) << "bad film\tno\n";
  const absl::Status other = Train();
  EXPECT_EQ(other.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(other.message()), HasSubstr("data set"));
}

TEST_F(TrainTaskTest, StoppingWhileStatesAreComputedLeavesNothing) {
  options_.state_cache_dir = (folder_ / "states").string();
  options_.keep_state_cache = true;
  EXPECT_EQ(Train(/*stop=*/true).code(), absl::StatusCode::kCancelled);
  EXPECT_TRUE(fs::is_empty(folder_ / "states"));
  EXPECT_FALSE(fs::exists(options_.output_dir));
  EXPECT_TRUE(Train().ok());
}

TEST_F(TrainTaskTest, FullFineTuningWritesAModelFolder) {
  options_.method = Method::kFull;
  const absl::Status status = Train();
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_THAT(result_.str(), HasSubstr("accuracy over 24 rows"));
  const auto model = Encoder::Load(options_.output_dir, PlainWeights::kDrop);
  ASSERT_TRUE(model.ok()) << model.status();
  EXPECT_TRUE(fs::exists(fs::path(options_.output_dir) / "vocab.txt"));
  EXPECT_TRUE(Train().ok()) << "it is replaced";

  options_.precision = Precision::kBf16;
  EXPECT_FALSE(Train().ok()) << "nothing is frozen, or there is no bf16";
  options_.precision = Precision::kFp32;
  options_.output_dir = options_.encoder_dir;
  EXPECT_THAT(std::string(Train().message()), HasSubstr("apart from the encoder"));
}

TEST_F(TrainTaskTest, StoppingWritesTheTaskAndResumingEndsIt) {
  options_.state_cache = false;  // it is asked to stop after the first step, not before
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
  options_.select_by = *ParseSelectionRule("n=5");
  EXPECT_THAT(std::string(Train().message()), HasSubstr("--select-by n=5"));
  options_.select_by = {};
  options_.reduction_factor = "0=8";
  EXPECT_THAT(std::string(Train().message()), HasSubstr("--reduction-factor: "));
  options_.reduction_factor = "0=8,default=4";
  options_.share_across_layers = true;
  EXPECT_THAT(std::string(Train().message()), HasSubstr("--share-across-layers needs one"));
  options_.reduction_factor = "";
  options_.name = "a.b";
  EXPECT_THAT(std::string(Train().message()), HasSubstr("--name 'a.b'"));
}

}  // namespace
}  // namespace fathom::training
