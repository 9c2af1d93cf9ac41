#include "adapters/trunk/prepare_cache.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/adapters/trunk/trunk_testing.h"
#include "tests/support/file_testing.h"

namespace fathom::training {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const std::vector<int64_t> kPack = {1, 4, 0, 6};

class PrepareCacheTest : public TrunkTest {
 protected:
  PrepareCacheTest() {
    options_.budgets.memory_bytes = 1 << 20;
    needs_ = FindStateNeeds(PfeifferLayout(4), {0, 3});
  }

  absl::StatusOr<PreparedCache> Prepare() {
    messages_.clear();
    return PrepareCache(encoder_, data_, needs_, options_, callbacks_,
                        [&](const std::string& line) { messages_.push_back(line); });
  }

  void ExpectRight(const PreparedCache& prepared) {
    ASSERT_NE(prepared.cache, nullptr);
    Executor executor(encoder_);
    for (const Fork fork : needs_.forks) {
      const auto loaded = prepared.cache->Load(kPack, fork);
      if (!loaded) continue;
      const TrunkState run = executor.RunTrunk(Texts(kPack), loaded->at);
      const at::Tensor sum = run.dense.add(run.residual);
      EXPECT_LE(MaxDifference(loaded->dense.add(loaded->residual), sum), 1e-5);
    }
  }

  int64_t PlaneBytes() const { return MakePlane(Shape(), {0, TapForm::kSum}).bytes; }

  const std::string folder_ = fathom::testing::FreshFolder();
  StateNeeds needs_;
  StateCacheOptions options_;
  FillCallbacks callbacks_;
  std::vector<std::string> messages_;
};

TEST(StateNeeds, FollowTheLayout) {
  const StateNeeds pfeiffer = FindStateNeeds(PfeifferLayout(4, {1}), {0, 3});
  EXPECT_THAT(pfeiffer.forks, ElementsAre(Fork{0, Place::kFfn}, Fork{2, Place::kFfn},
                                          Fork{2, Place::kFfn}, Fork{3, Place::kFfn}));
  EXPECT_FALSE(pfeiffer.pairs);
  EXPECT_TRUE(FindStateNeeds(ParallelLayout(4), {1, 1}).pairs);
  EXPECT_FALSE(FindStateNeeds(HoulsbyLayout(4), {0, 3}).pairs);
  EXPECT_THAT(FindStateNeeds(PfeifferLayout(4, {0, 1, 2, 3}), {0, 3}).forks, IsEmpty());
}

TEST_F(PrepareCacheTest, InMemory) {
  const auto prepared = Prepare();
  ASSERT_TRUE(prepared.ok()) << prepared.status();
  ExpectRight(*prepared);
  EXPECT_EQ(prepared->cache->depths(), (KeptDepths{{0, 1, 2}, true}));
  EXPECT_GT(prepared->fill_seconds, 0);
}

TEST_F(PrepareCacheTest, KeepsNothingThatSavesLessThanItCosts) {
  options_.epochs = 1;
  EXPECT_EQ(Prepare()->cache, nullptr);
  options_.epochs = 2;
  EXPECT_NE(Prepare()->cache, nullptr);
  options_.budgets.memory_bytes = 0;
  EXPECT_EQ(Prepare()->cache, nullptr);
}

TEST_F(PrepareCacheTest, BeyondTheMemoryInAFileWithoutAName) {
  options_.budgets = {kStatePageBytes, 2 * PlaneBytes() + kStatePageBytes};
  options_.file_dir = folder_ + "/new";
  const auto prepared = Prepare();
  ASSERT_TRUE(prepared.ok()) << prepared.status();
  ExpectRight(*prepared);
  EXPECT_EQ(prepared->cache->plan().MemoryBytes(), kStatePageBytes);
  EXPECT_EQ(prepared->cache->plan().FileBytes(), options_.budgets.file_bytes);
  EXPECT_EQ(fathom::testing::CountFiles(options_.file_dir), 0);
}

TEST_F(PrepareCacheTest, AFullDiskIsAWarningAndFewerDepths) {
  options_.budgets = {kStatePageBytes + PlaneBytes(), 2 * PlaneBytes() + kStatePageBytes};
  options_.file_dir = folder_;
  for (const bool keep : {false, true}) {
    options_.keep_file = keep;
    const fathom::testing::FullDisk full(kStatePageBytes);
    const auto prepared = Prepare();
    ASSERT_TRUE(prepared.ok()) << prepared.status();
    EXPECT_THAT(messages_, ElementsAre(AllOf(HasSubstr("warning"), HasSubstr(folder_))));
    ExpectRight(*prepared);
    EXPECT_EQ(prepared->cache->plan().FileBytes(), 0);
    EXPECT_EQ(prepared->cache->depths().layers.size(), 1u);
    EXPECT_EQ(fathom::testing::CountFiles(folder_), 0);
  }
}

TEST_F(PrepareCacheTest, AKeptFileIsReadByTheNextRunAndRefusedByOthers) {
  options_.budgets.file_bytes = 1 << 20;
  options_.file_dir = folder_;
  options_.keep_file = true;
  ASSERT_TRUE(Prepare().ok());
  EXPECT_EQ(fathom::testing::CountFiles(folder_), 1);
  needs_ = FindStateNeeds(PfeifferLayout(4), {2, 2});  // another method
  const auto again = Prepare();
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->fill_seconds, 0);
  EXPECT_EQ(again->cache->depths(), (KeptDepths{{0, 1, 2}, true}));
  ExpectRight(*again);

  data_.examples[3].text.ids[1] ^= 1;
  const absl::Status other = Prepare().status();
  EXPECT_EQ(other.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(other.message()), AllOf(HasSubstr(folder_), HasSubstr("data set")));
  EXPECT_EQ(fathom::testing::CountFiles(folder_), 1) << "nothing is lost";
}

TEST_F(PrepareCacheTest, AStoppedFillLeavesNoFile) {
  options_.budgets.file_bytes = 1 << 20;
  options_.file_dir = folder_;
  options_.keep_file = true;
  callbacks_.stop_requested = [] { return true; };
  EXPECT_EQ(Prepare().status().code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(fathom::testing::CountFiles(folder_), 0);
}

}  // namespace
}  // namespace fathom::training
