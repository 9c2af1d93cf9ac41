// For ThreadSanitizer: the cache under several threads.
#include <gtest/gtest.h>

#include <atomic>
#include <random>
#include <thread>
#include <vector>

#include "runtime/cache/depth_histogram.h"
#include "runtime/cache/tap_cache.h"
#include "tests/runtime/cache/cache_testing.h"

namespace fathom {
namespace {

constexpr int32_t kTexts = 40;

// A text's taps hold its id, so a reader sees a foreign or a freed one.
void Use(TapCache& cache, uint32_t seed) {
  std::mt19937 random(seed);
  for (int step = 0; step < 2000; ++step) {
    const auto id = static_cast<int32_t>(random() % kTexts);
    if (random() % 3 == 0) {
      cache.Insert(Text({id}), SumTap(static_cast<int>(random() % 12), 8, static_cast<float>(id)));
    }
    const TextTaps found = cache.Find(Text({id}));
    for (const auto& tap : found.taps) {
      for (int i = 0; i < 8 * 16; ++i) ASSERT_EQ(tap->fp32(0)[i], static_cast<float>(id));
    }
    cache.CountLookup(!found.taps.empty());
  }
}

TEST(TapCacheThreads, ReadersAndWritersSeeWholeTapsWhileItIsCleared) {
  for (const int64_t bytes : {int64_t{20'000}, int64_t{32} << 20}) {  // one shard, and several
    TapCache cache("encoder", bytes);
    std::atomic<bool> done = false;
    std::thread clearing([&] {
      while (!done) {
        cache.Clear();
        EXPECT_LE(cache.counts().bytes, bytes);
        std::this_thread::yield();
      }
    });
    std::vector<std::thread> users;
    for (uint32_t seed = 0; seed < 3; ++seed) {
      users.emplace_back([&cache, seed] { Use(cache, seed); });
    }
    for (std::thread& user : users) user.join();
    done = true;
    clearing.join();
    EXPECT_EQ(cache.counts().hits + cache.counts().misses, 3 * 2000);
  }
}

TEST(DepthHistogramThreads, CountsAndReadsAtOnce) {
  DepthHistogram histogram(12);
  std::vector<std::thread> threads;
  for (int n = 0; n < 3; ++n) {
    threads.emplace_back([&histogram, n] {
      for (int i = 0; i < 2000; ++i) {
        histogram.Add(n);
        const std::vector<double> at_least = histogram.AtLeast();
        ASSERT_EQ(at_least[0], 1);
        ASSERT_EQ(at_least[3], 0);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace fathom
