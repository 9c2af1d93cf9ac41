#include "runtime/task/weight_cache.h"

#include <array>
#include <atomic>
#include <functional>
#include <latch>
#include <memory>
#include <set>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace fathom {

// The cache looks into no weights: these stand for the runtime's.
struct TaskWeights {
  uint64_t id = 0;
  std::set<uint64_t>* alive = nullptr;

  TaskWeights(uint64_t own_id, std::set<uint64_t>* all) : id(own_id), alive(all) {
    if (alive != nullptr) alive->insert(id);
  }
  ~TaskWeights() {
    if (alive != nullptr) alive->erase(id);
  }
  TaskWeights(const TaskWeights&) = delete;
  TaskWeights& operator=(const TaskWeights&) = delete;
};

namespace {

using testing::ElementsAre;

constexpr int64_t kBytes = 100;  // of each

class WeightCacheTest : public testing::Test {
 protected:
  WeightCache::Weights Pin(uint64_t id) {
    auto weights = cache_.Pin(id, kBytes, [&]() -> absl::StatusOr<WeightCache::Weights> {
      return std::make_shared<const TaskWeights>(id, &alive_);
    });
    EXPECT_TRUE(weights.ok()) << weights.status();
    return *std::move(weights);
  }

  std::set<uint64_t> alive_;  // ids
  WeightCache cache_{3 * kBytes};
};

TEST_F(WeightCacheTest, PacksOnceWhatFits) {
  for (int round = 0; round < 3; ++round) {
    for (const uint64_t id : {1, 2, 3}) EXPECT_EQ(Pin(id)->id, id);
  }
  EXPECT_EQ(cache_.counts(), (CacheCounts{.hits = 6, .misses = 3, .entries = 3, .bytes = 300}));
}

TEST_F(WeightCacheTest, DropsTheLeastRecentlyUsedAndPacksItAgain) {
  for (const uint64_t id : {1, 2, 3, 1, 4}) Pin(id);
  EXPECT_THAT(alive_, ElementsAre(1, 3, 4));
  Pin(2);
  EXPECT_THAT(alive_, ElementsAre(1, 2, 4));
  EXPECT_EQ(cache_.counts(),
            (CacheCounts{.hits = 1, .misses = 5, .evictions = 2, .entries = 3, .bytes = 300}));
}

TEST_F(WeightCacheTest, MakesRoomBeforeItPacks) {
  for (const uint64_t id : {1, 2, 3}) Pin(id);
  const auto weights = cache_.Pin(4, 2 * kBytes, [&]() -> absl::StatusOr<WeightCache::Weights> {
    EXPECT_THAT(alive_, ElementsAre(3));
    EXPECT_EQ(cache_.counts().bytes, 300);
    return std::make_shared<const TaskWeights>(4, nullptr);
  });
  EXPECT_TRUE(weights.ok());
}

TEST_F(WeightCacheTest, KeepsWhatIsInUseAndCountsIt) {
  std::vector<WeightCache::Weights> held;
  for (const uint64_t id : {1, 2, 3, 4}) held.push_back(Pin(id));
  EXPECT_THAT(alive_, ElementsAre(1, 2, 3, 4));
  EXPECT_EQ(cache_.counts().bytes, 400);  // the limit is overrun, and that shows
  EXPECT_EQ(cache_.counts().evictions, 0);

  held.erase(held.begin() + 1);  // 2, not the least recently used
  Pin(1);
  EXPECT_THAT(alive_, ElementsAre(1, 3, 4));
  EXPECT_EQ(cache_.counts().bytes, 300);
}

TEST_F(WeightCacheTest, KeepsNothingUnusedWithoutBytes) {
  WeightCache none(0);
  const auto pack = [&]() -> absl::StatusOr<WeightCache::Weights> {
    return std::make_shared<const TaskWeights>(1, &alive_);
  };
  {
    const auto first = none.Pin(1, kBytes, pack);
    const auto again = none.Pin(1, kBytes, pack);
    EXPECT_EQ(*first, *again);
  }
  EXPECT_TRUE(none.Pin(2, kBytes, pack).ok());
  EXPECT_EQ(none.counts().misses, 2);
  EXPECT_EQ(none.counts().evictions, 1);
}

TEST_F(WeightCacheTest, AFailureIsReturnedAndLeavesNothing) {
  const auto failed = cache_.Pin(
      1, kBytes, []() -> absl::StatusOr<WeightCache::Weights> { return absl::DataLossError("x"); });
  EXPECT_EQ(failed.status(), absl::DataLossError("x"));
  EXPECT_EQ(cache_.counts(), (CacheCounts{.misses = 1}));
  EXPECT_EQ(Pin(1)->id, 1U);  // tried again
}

TEST_F(WeightCacheTest, TheForgottenGoAsSoonAsTheyAreNotInUse) {
  WeightCache::Weights held = Pin(1);
  Pin(2);
  cache_.Forget(1);
  cache_.Forget(2);
  cache_.Forget(7);  // never seen
  EXPECT_THAT(alive_, ElementsAre(1));
  EXPECT_EQ(cache_.counts().bytes, 100);
  held.reset();
  Pin(3);
  EXPECT_THAT(alive_, ElementsAre(3));
  EXPECT_EQ(cache_.counts().evictions, 0);
}

// --- threads ---

constexpr int kThreads = 4;

void RunThreads(const std::function<void(int)>& work) {
  std::latch start(kThreads);
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      start.arrive_and_wait();
      work(thread);
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(WeightCacheThreads, ManyWantOneAndItIsPackedOnce) {
  WeightCache cache(kBytes);
  std::atomic<int> packings = 0;
  std::array<WeightCache::Weights, kThreads> held;
  RunThreads([&](int thread) {
    held[static_cast<size_t>(thread)] =
        *cache.Pin(1, kBytes, [&]() -> absl::StatusOr<WeightCache::Weights> {
          packings += 1;
          return std::make_shared<const TaskWeights>(1, nullptr);
        });
  });
  EXPECT_EQ(packings, 1);
  for (const WeightCache::Weights& weights : held) EXPECT_EQ(weights, held[0]);
}

// Each packing waits for the other to begin: one after the other they would never end.
TEST(WeightCacheThreads, DifferentWeightsArePackedSideBySide) {
  WeightCache cache(kThreads * kBytes);
  std::latch packing(kThreads);
  RunThreads([&](int thread) {
    const auto id = static_cast<uint64_t>(thread);
    const auto weights = cache.Pin(id, kBytes, [&]() -> absl::StatusOr<WeightCache::Weights> {
      packing.arrive_and_wait();
      return std::make_shared<const TaskWeights>(id, nullptr);
    });
    EXPECT_TRUE(weights.ok());
  });
  EXPECT_EQ(cache.counts().misses, kThreads);
}

TEST(WeightCacheThreads, WhatIsHeldStaysRightUnderPressure) {
  constexpr uint64_t kTasks = 7;
  WeightCache cache(3 * kBytes);
  std::array<std::atomic<int>, kTasks> packing = {};
  RunThreads([&](int thread) {
    for (uint64_t step = 0; step < 2000; ++step) {
      const uint64_t id = (step * 5 + static_cast<uint64_t>(thread) * 3) % kTasks;
      const auto weights = cache.Pin(id, kBytes, [&]() -> absl::StatusOr<WeightCache::Weights> {
        EXPECT_EQ(packing[id].fetch_add(1), 0) << "two at a time";
        auto made = std::make_shared<const TaskWeights>(id, nullptr);
        packing[id] -= 1;
        if (step % 11 == 0) return absl::UnavailableError("sometimes");
        return made;
      });
      if (!weights.ok()) continue;
      EXPECT_EQ((*weights)->id, id);
    }
  });
  const CacheCounts counts = cache.counts();
  EXPECT_EQ(counts.hits + counts.misses, kThreads * 2000);
  EXPECT_LE(counts.bytes, (3 + kThreads) * kBytes);
  EXPECT_EQ(counts.bytes, counts.entries * kBytes);
}

}  // namespace
}  // namespace fathom
