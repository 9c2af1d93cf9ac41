// From two trained adapters to a fusion, and to a pruned one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "adapters/prune_task.h"
#include "adapters/run_seeds.h"
#include "adapters/train_task.h"
#include "runtime/file/mapped_file.h"
#include "runtime/task/format/fusion_folder.h"
#include "tests/adapters/tiny_training.h"

namespace fathom::training {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class FuseAndPruneTest : public TinyTraining {
 protected:
  std::string TrainAdapter(const std::string& name, uint64_t seed,
                           const std::string& architecture = "pfeiffer") {
    TrainOptions options = options_;
    options.output_dir = (folder_ / "adapters" / name).string();
    options.architecture = architecture;
    options.seed = seed;
    const absl::Status status = TrainTask(options, Console());
    EXPECT_TRUE(status.ok()) << status;
    return options.output_dir;
  }

  absl::Status Fuse(const std::vector<std::string>& adapters) {
    TrainOptions options = options_;
    options.fused_adapters = adapters;
    options.output_dir = Fused();
    result_.str("");
    return TrainTask(options, Console());
  }

  std::string Fused() const { return (folder_ / "fused").string(); }

  absl::Status Prune(int keep) {
    result_.str("");
    return PruneTask({.encoder_dir = options_.encoder_dir,
                      .task_dir = Fused(),
                      .train_file = options_.train_file,
                      .output_dir = (folder_ / "pruned").string(),
                      .keep = keep,
                      .json_file = (folder_ / "attention.json").string()},
                     Console());
  }
};

TEST_F(FuseAndPruneTest, AFusionIsTrainedWrittenAndPrunedByLayer) {
  const std::string first = TrainAdapter("first", 1);
  const std::string second = TrainAdapter("second", 2);
  ASSERT_TRUE(Fuse({first, second}).ok());
  EXPECT_THAT(result_.str(), HasSubstr("accuracy over 24 rows"));
  const auto fused = ReadFusionFolder(Fused(), SmallEncoderConfig());
  ASSERT_TRUE(fused.ok()) << fused.status();
  EXPECT_THAT(fused->fusion.member_names, ElementsAre("first", "second"));
  EXPECT_THAT(fused->head->labels, ElementsAre("no", "yes"));
  EXPECT_EQ(fused->training->method, "robust");
  EXPECT_EQ(fused->training->profile->points.size(), 5u);
  EXPECT_THAT(fused->training->details_json, HasSubstr("\"fused\":\"first,second\""));

  const absl::Status pruned = Prune(1);
  ASSERT_TRUE(pruned.ok()) << pruned;
  EXPECT_THAT(result_.str(), HasSubstr("* kept"));
  const auto read = ReadFusionFolder((folder_ / "pruned").string(), SmallEncoderConfig());
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_FALSE(read->training->profile.has_value()) << "it was measured with other weights";
  for (size_t layer = 0; layer < 4; ++layer) {
    int standing = 0;
    for (const Adapter& member : read->fusion.members) {
      standing += member.layout.left_out[layer] ? 0 : 1;
    }
    EXPECT_EQ(standing, 1) << "layer " << layer;
  }
  const json attention = json::parse(*ReadTextFile((folder_ / "attention.json").string()));
  const json& by_member = attention["tasks"]["fused"]["fusion_attention"];
  for (size_t layer = 0; layer < 4; ++layer) {
    EXPECT_NEAR(by_member["first"][layer].get<double>() + by_member["second"][layer].get<double>(),
                1, 1e-5);
  }
}

TEST_F(FuseAndPruneTest, RefusesWhatCannotBeFused) {
  const std::string first = TrainAdapter("first", 1);
  const std::string houlsby = TrainAdapter("houlsby", 1, "houlsby");
  const auto message = [&](const std::vector<std::string>& adapters) {
    return std::string(Fuse(adapters).message());
  };
  EXPECT_THAT(message({first}), HasSubstr("two or more"));
  EXPECT_THAT(message({first, first}), HasSubstr("named 'first' is there already"));
  EXPECT_THAT(message({first, houlsby}), HasSubstr("cannot be fused"));
  EXPECT_THAT(message({first, Fused()}), HasSubstr("adapter_config.json"));
  EXPECT_FALSE(std::filesystem::exists(Fused()));
}

TEST_F(FuseAndPruneTest, FusionsOfSeveralSeedsEndWithATableAndAreNotTrainedTwice) {
  TrainOptions options = options_;
  options.fused_adapters = {TrainAdapter("first", 1), TrainAdapter("second", 2)};
  options.output_dir = Fused();
  options.seeds = {1, 2};
  const absl::Status status = RunSeeds(options, Console());
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_THAT(result_.str(), HasSubstr("over 2 seeds"));
  options.resume = true;
  ASSERT_TRUE(RunSeeds(options, Console()).ok());
  EXPECT_THAT(progress_.str(), HasSubstr("seed 2 is finished"));
}

TEST_F(FuseAndPruneTest, RefusesToKeepMoreThanThereAre) {
  ASSERT_TRUE(Fuse({TrainAdapter("first", 1), TrainAdapter("second", 2)}).ok());
  EXPECT_THAT(std::string(Prune(3).message()), HasSubstr("--keep 3: the fusion has 2 adapters"));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "pruned"));
}

}  // namespace
}  // namespace fathom::training
