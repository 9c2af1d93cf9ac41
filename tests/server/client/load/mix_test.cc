#include "server/client/load/mix.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

namespace fathom {
namespace {

TEST(ParseMix, ReadsTasksDepthsAndWeights) {
  const auto mix = ParseMix("a,b/2@4:3;c@20ms:0.5;d");
  ASSERT_TRUE(mix.ok()) << mix.status();
  ASSERT_EQ(mix->size(), 3U);
  EXPECT_EQ((*mix)[0].weight, 3);
  ASSERT_EQ((*mix)[0].tasks.size(), 2U);
  EXPECT_EQ((*mix)[0].tasks[0].name(), "a");
  EXPECT_FALSE((*mix)[0].tasks[0].has_depth());
  EXPECT_EQ((*mix)[0].tasks[1].version(), 2U);
  EXPECT_EQ((*mix)[0].tasks[1].depth().skip_layers(), 4U);
  EXPECT_EQ((*mix)[1].tasks[0].depth().latency_budget().nanos(), 20'000'000);
  EXPECT_EQ((*mix)[1].weight, 0.5);
  EXPECT_EQ((*mix)[2].weight, 1);
}

TEST(ParseMix, SaysWhatIsWrong) {
  for (const char* text :
       {"", "a;", "a,,b", "a:0", "a:-1", "a:x", "a:1:2", "a:nan", "a:inf", "a@"}) {
    EXPECT_EQ(ParseMix(text).status().code(), absl::StatusCode::kInvalidArgument) << text;
  }
  EXPECT_THAT(std::string(ParseMix("a:0").status().message()), ::testing::HasSubstr("'a:0'"));
}

TEST(Mix, DrawsByWeight) {
  Mix mix(*ParseMix("a:3;b:1"));
  std::mt19937_64 random(5);
  std::map<std::string, int> drawn;
  for (int i = 0; i < 4000; ++i) ++drawn[mix.Draw(random)[0].name()];
  EXPECT_NEAR(drawn["a"], 3000, 120);
  EXPECT_EQ(drawn["a"] + drawn["b"], 4000);
}

}  // namespace
}  // namespace fathom
