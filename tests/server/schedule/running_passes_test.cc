#include "server/schedule/running_passes.h"

#include <gtest/gtest.h>

namespace fathom {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1000);

TEST(RunningPasses, WhatIsLeftShrinksWithTheShareOfTheThreads) {
  RunningPasses passes(4);
  EXPECT_EQ(passes.LeftMs(kNow), 0);
  const uint64_t all = passes.Begin(100, 4, kNow);
  EXPECT_EQ(passes.threads(), 4);
  EXPECT_DOUBLE_EQ(passes.LeftMs(kNow + absl::Milliseconds(30)), 70);
  EXPECT_DOUBLE_EQ(passes.LeftMs(kNow + absl::Seconds(1)), 0);
  passes.End(all);
  EXPECT_EQ(passes.threads(), 0);

  const uint64_t half = passes.Begin(100, 2, kNow);
  passes.Begin(50, 2, kNow);
  EXPECT_DOUBLE_EQ(passes.LeftMs(kNow + absl::Milliseconds(40)), 80 + 30);
  passes.End(half);
  EXPECT_EQ(passes.threads(), 2);
  EXPECT_DOUBLE_EQ(passes.LeftMs(kNow), 50);
}

}  // namespace
}  // namespace fathom
