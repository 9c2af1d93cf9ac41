#include "adapters/trunk/depth_choice.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace fathom::training {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<Fork> AllForks(int layers, Place place) {
  std::vector<Fork> forks;
  for (int n = 0; n < layers; ++n) forks.push_back({n, place});
  return forks;
}

TEST(DepthChoice, TwelveLayersDrawnAlike) {
  const std::vector<Fork> forks = AllForks(12, Place::kFfn);
  EXPECT_DOUBLE_EQ(MeanTrunkLayers(forks), 6.5);
  const std::vector<std::vector<int>> expected = {{}, {5}, {3, 7}, {2, 5, 8}};
  const double without_row[] = {6.5, 3.0, 22.0 / 12, 1.25};
  const double with_row[] = {5.5, 2.5, 1.5, 1.0};
  for (size_t count = 0; count < expected.size(); ++count) {
    for (const bool row : {false, true}) {
      const KeptDepths kept = ChooseDepths(12, forks, static_cast<int>(count), row);
      EXPECT_EQ(kept.layers, expected[count]) << row;
      EXPECT_EQ(kept.last_cls_row, row);
      EXPECT_DOUBLE_EQ(MeanTrunkLayersLeft(kept, 12, forks), (row ? with_row : without_row)[count]);
    }
  }
}

TEST(DepthChoice, OneDepthIsKeptItself) {
  for (int n = 0; n < 11; ++n) {
    const Fork fork{n, Place::kFfn};
    const KeptDepths kept = ChooseDepths(12, {fork}, 3, true);
    EXPECT_THAT(kept.layers, ElementsAre(n));
    EXPECT_DOUBLE_EQ(TrunkLayersLeft(kept, 12, fork), 0);
  }
  EXPECT_THAT(ChooseDepths(12, {{11, Place::kFfn}}, 3, true).layers, IsEmpty());
  EXPECT_THAT(ChooseDepths(12, {{11, Place::kFfn}}, 3, false).layers, ElementsAre(10));
}

TEST(DepthChoice, AnAttentionForkStartsBelowItsLayer) {
  const KeptDepths kept = ChooseDepths(12, {{4, Place::kAttention}}, 1, true);
  EXPECT_THAT(kept.layers, ElementsAre(3));
  EXPECT_DOUBLE_EQ(TrunkLayersLeft(kept, 12, {4, Place::kAttention}), 1.0 / 3);
  EXPECT_DOUBLE_EQ(TrunkLayersLeft(kept, 12, {3, Place::kAttention}), 3 + 1.0 / 3);
  EXPECT_EQ(StartLayer(kept, 12, {11, Place::kAttention}), 3) << "the [CLS] row lies above";
  EXPECT_EQ(StartLayer(kept, 12, {11, Place::kFfn}), 11);
  EXPECT_EQ(StartLayer(kept, 12, {2, Place::kFfn}), std::nullopt);
  EXPECT_THAT(ChooseDepths(12, {{0, Place::kAttention}}, 2, true).layers, IsEmpty());
}

TEST(DepthChoice, EncodersOfFewLayers) {
  EXPECT_THAT(ChooseDepths(1, AllForks(1, Place::kFfn), 4, true).layers, IsEmpty());
  EXPECT_THAT(ChooseDepths(2, AllForks(2, Place::kFfn), 4, true).layers, ElementsAre(0));
  EXPECT_THAT(ChooseDepths(3, {}, 4, true).layers, IsEmpty());
}

// Every subset of at most `count` layers, by the plain definition of the cost.
double BestByTrying(int layers, const std::vector<Fork>& forks, int count, bool row) {
  double best = 1e9;
  for (unsigned subset = 0; subset < 1u << (layers - 1); ++subset) {
    if (__builtin_popcount(subset) > count) continue;
    double sum = 0;
    for (const Fork fork : forks) {
      double left = fork.layer + (fork.place == Place::kFfn ? 1 : 1.0 / 3);
      for (int c = 0; c < layers; ++c) {
        const bool kept = c == layers - 1 ? row : ((subset >> c) & 1u) != 0;
        if (!kept || c > fork.layer || (c == fork.layer && fork.place == Place::kAttention)) {
          continue;
        }
        left = std::min(left, fork.layer - c - (fork.place == Place::kFfn ? 0 : 2.0 / 3));
      }
      sum += left;
    }
    best = std::min(best, sum / static_cast<double>(forks.size()));
  }
  return best;
}

TEST(DepthChoice, NoOtherChoiceIsBetter) {
  std::mt19937 random(4);
  for (int round = 0; round < 300; ++round) {
    const int layers = 2 + static_cast<int>(random() % 7);
    std::vector<Fork> forks;
    for (uint64_t i = 1 + random() % 6; i > 0; --i) {
      forks.push_back({static_cast<int>(random() % static_cast<uint64_t>(layers)),
                       random() % 2 == 0 ? Place::kFfn : Place::kAttention});
    }
    const int count = static_cast<int>(random() % 4);
    const bool row = random() % 2 == 0;
    const KeptDepths kept = ChooseDepths(layers, forks, count, row);
    EXPECT_LE(kept.layers.size(), static_cast<size_t>(count));
    EXPECT_TRUE(std::is_sorted(kept.layers.begin(), kept.layers.end()));
    EXPECT_NEAR(MeanTrunkLayersLeft(kept, layers, forks), BestByTrying(layers, forks, count, row),
                1e-9);
  }
}

}  // namespace
}  // namespace fathom::training
