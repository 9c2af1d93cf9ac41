#include "adapters/trunk/state_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fathom::training {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr int64_t kClsPlane = 50 * 768 * 4 / kStatePageBytes * kStatePageBytes + kStatePageBytes;

StateShape Shape() { return {.tokens = 1000, .texts = 50, .layers = 12, .hidden_size = 768}; }

std::vector<Fork> AllForks(Place place) {
  std::vector<Fork> forks;
  for (int n = 0; n < 12; ++n) forks.push_back({n, place});
  return forks;
}

TEST(StatePlan, PlanesAreWholePagesOfTheirRows) {
  StateShape shape = Shape();
  EXPECT_EQ(MakePlane(shape, {3, TapForm::kSum}).bytes, 3072000);
  EXPECT_EQ(MakePlane(shape, {3, TapForm::kPair}).bytes, 6144000);
  EXPECT_EQ(MakePlane(shape, {11, TapForm::kClsSum}).bytes, kClsPlane);
  shape.precision = TapPrecision::kBf16;
  EXPECT_EQ(MakePlane(shape, {3, TapForm::kSum}).bytes, 1536000);
}

TEST(StatePlan, KeepsWhatTheMemoryHoldsAndNeverMore) {
  const std::vector<std::vector<int>> expected = {{}, {5}, {3, 7}, {2, 5, 8}};
  const int64_t plane = MakePlane(Shape(), {0, TapForm::kSum}).bytes;
  for (size_t count = 0; count < expected.size(); ++count) {
    const int64_t budget = kClsPlane + plane * static_cast<int64_t>(count);
    const StatePlan plan = PlanStateCache(Shape(), AllForks(Place::kFfn), {budget + plane - 1, 0});
    EXPECT_EQ(plan.Depths(), (KeptDepths{expected[count], true}));
    EXPECT_EQ(plan.MemoryBytes(), budget);
    EXPECT_EQ(plan.FileBytes(), 0);
  }
  const StatePlan all = PlanStateCache(Shape(), AllForks(Place::kFfn), {int64_t{1} << 40, 0});
  EXPECT_EQ(all.planes.size(), 12u) << "no more than there are layers";
}

TEST(StatePlan, NothingFits) {
  EXPECT_THAT(PlanStateCache(Shape(), AllForks(Place::kFfn), {kClsPlane - 1, 0}).planes, IsEmpty());
  EXPECT_THAT(PlanStateCache(Shape(), AllForks(Place::kFfn), {0, 0}).planes, IsEmpty());
  StateShape empty = Shape();
  empty.tokens = empty.texts = 0;
  EXPECT_THAT(PlanStateCache(empty, AllForks(Place::kFfn), {1 << 30, 0}).planes, IsEmpty());
}

TEST(StatePlan, TheFileTakesWhatTheMemoryDoesNotHold) {
  const int64_t plane = MakePlane(Shape(), {0, TapForm::kSum}).bytes;
  const StatePlan plan = PlanStateCache(Shape(), AllForks(Place::kFfn),
                                        {kClsPlane + plane, 2 * plane + kStatePageBytes});
  EXPECT_EQ(plan.Depths(), (KeptDepths{{2, 5, 8}, true}));
  EXPECT_EQ(plan.MemoryBytes(), kClsPlane + plane);
  EXPECT_EQ(plan.FileBytes(), 2 * plane + kStatePageBytes);
  const StatePlan less = PlanStateCache(Shape(), AllForks(Place::kFfn),
                                        {kClsPlane + plane, 2 * plane + kStatePageBytes - 1});
  EXPECT_THAT(less.Depths().layers, ElementsAre(3, 7));
  EXPECT_LE(less.FileBytes(), 2 * plane);
}

TEST(StatePlan, PairsWhereAForkReadsOne) {
  StateShape shape = Shape();
  shape.pairs = true;
  const StatePlan plan = PlanStateCache(shape, AllForks(Place::kFfn), {int64_t{1} << 40, 0});
  EXPECT_EQ(plan.planes.front().point.form, TapForm::kPair);
  EXPECT_EQ(plan.planes.back().point.form, TapForm::kClsPair);
}

TEST(StatePlan, TheLastRowsAreKeptOnlyForForksThatStartThere) {
  const StatePlan houlsby =
      PlanStateCache(Shape(), AllForks(Place::kAttention), {int64_t{1} << 40, 0});
  EXPECT_FALSE(houlsby.Depths().last_cls_row);
  EXPECT_EQ(houlsby.planes.size(), 11u);
  const StatePlan standard = PlanStateCache(Shape(), {{0, Place::kFfn}}, {int64_t{1} << 40, 0});
  EXPECT_EQ(standard.Depths(), (KeptDepths{{0}, false}));
}

}  // namespace
}  // namespace fathom::training
