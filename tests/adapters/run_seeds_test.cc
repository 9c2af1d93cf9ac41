#include "adapters/run_seeds.h"

#include <gmock/gmock.h>

#include "runtime/task/format/adapter_folder.h"
#include "tests/adapters/tiny_training.h"

namespace fathom::training {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class RunSeedsTest : public TinyTraining {
 protected:
  RunSeedsTest() { options_.seeds = {1, 2}; }

  std::string Folder(int seed) const {
    return options_.output_dir + "/seed-" + std::to_string(seed);
  }
};

TEST_F(RunSeedsTest, TrainsEachIntoAFolderAndEndsWithATable) {
  const absl::Status status = RunSeeds(options_, Console());
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_THAT(result_.str(), HasSubstr("mean ± deviation over 2 seeds"));
  for (const int seed : {1, 2}) {
    const auto read = ReadAdapterFolder(Folder(seed), SmallEncoderConfig());
    ASSERT_TRUE(read.ok()) << read.status();
    EXPECT_EQ(read->name, "film") << "the adapter is called as that of a single run";
    EXPECT_THAT(read->training->details_json,
                HasSubstr("\"seed\":\"" + std::to_string(seed) + "\""));
  }
}

TEST_F(RunSeedsTest, ResumingSkipsFinishedSeedsAndGoesOnWithTheOthers) {
  options_.seeds = {1};
  ASSERT_TRUE(RunSeeds(options_, Console()).ok());
  options_.seeds = {1, 2, 3};
  options_.resume = true;
  options_.state_cache = false;  // or it would stop before the first step
  EXPECT_TRUE(absl::IsCancelled(RunSeeds(options_, Console(/*stop=*/true))));
  EXPECT_THAT(progress_.str(), HasSubstr("seed 1 is finished"));
  EXPECT_TRUE(fs::exists(Folder(2) + ".checkpoint"));
  progress_.str("");
  const absl::Status status = RunSeeds(options_, Console());
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_THAT(progress_.str(),
              AllOf(HasSubstr("seed 1 is finished"), Not(HasSubstr("seed 2 is finished"))));
  EXPECT_THAT(result_.str(), HasSubstr("over 3 seeds"));
}

TEST_F(RunSeedsTest, DoesNotMixRunsWithOtherSettings) {
  options_.seeds = {1};
  ASSERT_TRUE(RunSeeds(options_, Console()).ok());
  options_.seeds = {1, 2};
  options_.resume = true;
  options_.learning_rate = 3e-4;
  const absl::Status status = RunSeeds(options_, Console());
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr("another learning-rate"));
}

}  // namespace
}  // namespace fathom::training
