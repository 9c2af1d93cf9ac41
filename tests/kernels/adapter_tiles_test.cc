#include "kernels/cpu/adapter_tiles.h"

#include <gtest/gtest.h>

#include <vector>

namespace fathom::kernels {
namespace {

struct Segments {
  Bottleneck bottlenecks[3] = {{.width = 48}, {.width = 48}, {.width = 1}};
  std::vector<AdapterSegment> list;

  void Add(int64_t bottleneck, int64_t count) {
    list.push_back({{0, 0, 0, count}, &bottlenecks[bottleneck]});
  }
  AdapterLayerNorm Call() const {
    AdapterLayerNorm call{};
    call.segments = list.data();
    call.segment_count = static_cast<int64_t>(list.size());
    call.hidden_size = 768;
    return call;
  }
};

std::vector<AdapterTile> Cut(const Segments& segments, int threads) {
  std::vector<AdapterTile> tiles = {{7, 7, 7}};  // of an earlier call
  CutIntoTiles(segments.Call(), {8, 16}, threads, tiles);
  return tiles;
}

void ExpectTiles(const std::vector<AdapterTile>& actual, const std::vector<AdapterTile>& expected) {
  ASSERT_EQ(actual.size(), expected.size());
  for (size_t i = 0; i < actual.size(); ++i) {
    EXPECT_EQ(actual[i].segment, expected[i].segment) << "tile " << i;
    EXPECT_EQ(actual[i].first, expected[i].first) << "tile " << i;
    EXPECT_EQ(actual[i].count, expected[i].count) << "tile " << i;
  }
}

TEST(AdapterTiles, JoinSegmentsOfOneBottleneckAndNoOthers) {
  Segments segments;
  segments.Add(0, 5);
  segments.Add(0, 0);
  segments.Add(0, 25);
  segments.Add(1, 0);
  segments.Add(2, 1);
  segments.Add(0, 2);
  ExpectTiles(Cut(segments, 1), {{0, 0, 16}, {2, 11, 14}, {4, 0, 1}, {5, 0, 2}});
}

TEST(AdapterTiles, AreSmallerWhereThreadsWouldWait) {
  Segments segments;
  segments.Add(0, 32);
  ExpectTiles(Cut(segments, 1), {{0, 0, 16}, {0, 16, 16}});
  ExpectTiles(Cut(segments, 2), {{0, 0, 8}, {0, 8, 8}, {0, 16, 8}, {0, 24, 8}});
  segments.Add(1, 32);
  EXPECT_EQ(Cut(segments, 2).size(), 4u);
}

TEST(AdapterTiles, AreNoneWithoutRows) {
  Segments segments;
  EXPECT_TRUE(Cut(segments, 2).empty());
  segments.Add(0, 0);
  EXPECT_TRUE(Cut(segments, 2).empty());
  EXPECT_EQ(UsefulThreads(segments.Call(), Cut(segments, 2), 2), 1);
}

TEST(AdapterTiles, WakeNoMoreThreadsThanThereIsWork) {
  Segments segments;
  segments.Add(2, 16);
  EXPECT_EQ(UsefulThreads(segments.Call(), Cut(segments, 4), 4), 1);
  segments.Add(0, 16);
  EXPECT_EQ(UsefulThreads(segments.Call(), Cut(segments, 1), 4), 2);
  segments.Add(1, 160);
  EXPECT_EQ(UsefulThreads(segments.Call(), Cut(segments, 4), 4), 4);
}

}  // namespace
}  // namespace fathom::kernels
