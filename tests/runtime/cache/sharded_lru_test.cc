#include "runtime/cache/sharded_lru.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <random>

#include "runtime/cache/text_key.h"
#include "tests/runtime/cache/cache_testing.h"

namespace fathom {
namespace {

using ::testing::Optional;

struct Number {
  int value = 0;
  int64_t size = 0;  // that it claims

  int64_t bytes() const { return size; }
  bool operator==(const Number&) const = default;
};

struct IntKey {
  explicit IntKey(int key) : value(key) {}
  int64_t bytes() const { return 0; }

  int value;
};

struct IntHash {
  size_t operator()(int key) const { return absl::HashOf(key); }
};

struct IntEqual {
  bool operator()(const IntKey& a, int b) const { return a.value == b; }
};

using IntLru = ShardedLru<IntKey, Number, IntHash, IntEqual>;

constexpr int64_t kOneShard = int64_t{1} << 40;

template <typename Lru, typename Lookup>
void Set(Lru& lru, const Lookup& key, Number number) {
  lru.Put(key, [&](const Number*, int64_t) { return number; });
}

TEST(ShardedLru, DropsWhatWasUsedLongestAgo) {
  IntLru lru(4000, kOneShard);
  for (const int key : {1, 2, 3}) Set(lru, key, {key, 1000});
  EXPECT_THAT(lru.Find(1), Optional(Number{1, 1000}));  // so 2 is the oldest
  Set(lru, 4, {4, 1000});
  EXPECT_FALSE(lru.Find(2));
  EXPECT_TRUE(lru.Find(3));
  EXPECT_TRUE(lru.Find(1));
  Set(lru, 5, {5, 1900});  // two have to go: 4, then 3
  EXPECT_FALSE(lru.Find(4));
  EXPECT_FALSE(lru.Find(3));
  EXPECT_TRUE(lru.Find(1));
  EXPECT_EQ(lru.counts().evictions, 3);
  EXPECT_EQ(lru.counts().entries, 2);
}

TEST(ShardedLru, ReplacingGivesTheOldBytesBack) {
  IntLru lru(4000, kOneShard);
  Set(lru, 1, {1, 100});
  const int64_t bookkeeping = lru.counts().bytes - 100;
  EXPECT_GT(bookkeeping, 0);
  Set(lru, 1, {2, 3000});
  EXPECT_THAT(lru.Find(1), Optional(Number{2, 3000}));
  EXPECT_EQ(lru.counts().bytes, bookkeeping + 3000);
  EXPECT_EQ(lru.counts().evictions, 0);
}

TEST(ShardedLru, TellsTheOldValueAndTheRoom) {
  IntLru lru(4000, kOneShard);
  Set(lru, 1, {1, 100});
  const int64_t bookkeeping = lru.counts().bytes - 100;
  lru.Put(1, [&](const Number* old, int64_t room) {
    EXPECT_EQ(old->value, 1);
    EXPECT_EQ(room, 4000 - bookkeeping);
    return Number{2, room};
  });
  EXPECT_EQ(lru.counts().bytes, 4000);
  lru.Put(2, [&](const Number* old, int64_t) {
    EXPECT_EQ(old, nullptr);
    return Number{3, 1};
  });
  EXPECT_FALSE(lru.Find(1));
}

TEST(ShardedLru, RefusesWhatIsLargerThanTheBudgetAndDropsNothingForIt) {
  IntLru lru(4000, kOneShard);
  Set(lru, 1, {1, 1000});
  Set(lru, 2, {2, 4000});
  Set(lru, 1, {3, 4000});
  EXPECT_FALSE(lru.Find(2));
  EXPECT_THAT(lru.Find(1), Optional(Number{1, 1000}));
  EXPECT_EQ(lru.counts().refused, 2);
  EXPECT_EQ(lru.counts().evictions, 0);
}

TEST(ShardedLru, WithoutBytesKeepsNothing) {
  IntLru lru(0, 1);
  Set(lru, 1, {1, 0});
  EXPECT_FALSE(lru.Find(1));
  EXPECT_EQ(lru.counts().bytes, 0);
}

TEST(ShardedLru, HasShardsOfAUsefulSize) {
  EXPECT_EQ(IntLru(100, 1000).shards(), 1U);
  EXPECT_EQ(IntLru(3999, 1000).shards(), 3U);
  EXPECT_EQ(IntLru(1'000'000, 1000).shards(), 16U);
}

// Two keys whose hashes are equal are told apart by their whole contents.
struct ConstantHash {
  size_t operator()(const TokenizedText&) const { return 7; }
};

TEST(ShardedLru, ComparesKeysInFull) {
  ShardedLru<TextKey, Number, ConstantHash, TextEqual> lru(100'000, kOneShard);
  const std::vector<TokenizedText> texts = {Text({1, 2, 3}), Text({1, 2, 4}), Text({1, 2, 3}, 1),
                                            Text({1, 2}), Text({1, 2, 3, 0})};
  for (size_t i = 0; i < texts.size(); ++i) Set(lru, texts[i], {static_cast<int>(i), 0});
  for (size_t i = 0; i < texts.size(); ++i) {
    EXPECT_THAT(lru.Find(texts[i]), Optional(Number{static_cast<int>(i), 0}));
  }
}

// Against a model: what is found is what was put last, and the bytes never pass the budget.
TEST(ShardedLruProperty, StaysInItsBudgetUnderAnyMix) {
  for (uint32_t seed = 0; seed < 20; ++seed) {
    std::mt19937 random(seed);
    const int64_t budget = 1000 + static_cast<int64_t>(random() % 30'000);
    IntLru lru(budget, 1 + static_cast<int64_t>(random() % 3000));
    std::map<int, Number> last;
    int64_t puts = 0;
    for (int step = 0; step < 2000; ++step) {
      const int key = static_cast<int>(random() % 60);
      if (random() % 200 == 0) {
        lru.Clear();
        last.clear();
        ASSERT_EQ(lru.counts().bytes, 0);
      } else if (random() % 2 == 0) {
        const Number number{step, static_cast<int64_t>(random() % 2000)};
        const int64_t refused = lru.counts().refused;
        Set(lru, key, number);
        if (lru.counts().refused == refused) last[key] = number;
        ++puts;
      } else if (const auto found = lru.Find(key)) {
        ASSERT_EQ(*found, last.at(key));
      }
      ASSERT_LE(lru.counts().bytes, budget);
      ASSERT_LE(lru.counts().entries, static_cast<int64_t>(last.size()));
    }
    EXPECT_LE(lru.counts().evictions + lru.counts().entries, puts);
  }
}

}  // namespace
}  // namespace fathom
