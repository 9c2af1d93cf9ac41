#include "server/client/depth_spec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/client/refusal.h"

namespace fathom {
namespace {

using ::testing::HasSubstr;

TEST(ParseTask, ReadsNameVersionAndDepth) {
  EXPECT_FALSE(ParseTask("topic")->has_depth());
  EXPECT_EQ(ParseTask("topic/3")->version(), 3U);
  EXPECT_EQ(ParseTask("topic@4")->depth().skip_layers(), 4U);
  EXPECT_EQ(ParseTask("topic/3@4")->name(), "topic");
  EXPECT_EQ(ParseTask("topic@1.5ms")->depth().latency_budget().nanos(), 1'500'000);
  EXPECT_FLOAT_EQ(ParseTask("topic@q0.95")->depth().min_quality(), 0.95F);
  EXPECT_EQ(ParseTask("topic@0")->depth().choice_case(), v1::Depth::kSkipLayers);
}

TEST(ParseTask, SaysWhatIsWrong) {
  for (const char* spec : {"", "@4", "/1", "a/", "a/0", "a/x", "a@", "a@-1", "a@x", "a@0ms",
                           "a@nanms", "a@q1.5", "a@q", "a@qnan", "a@4@5"}) {
    EXPECT_EQ(ParseTask(spec).status().code(), absl::StatusCode::kInvalidArgument) << spec;
  }
  EXPECT_THAT(std::string(ParseTask("a@x").status().message()), HasSubstr("task 'a@x'"));
}

TEST(WithDepths, FlagsAreForTasksWithoutADepthOfTheirOwn) {
  const auto tasks = WithDepths({*ParseTask("a"), *ParseTask("b@4")},
                                {.skip_layers = {1, 2}, .quality_floor = 0.9F});
  ASSERT_EQ(tasks.size(), 3U);
  EXPECT_EQ(tasks[0].depth().skip_layers(), 1U);
  EXPECT_EQ(tasks[1].depth().skip_layers(), 2U);
  EXPECT_EQ(tasks[1].name(), "a");
  EXPECT_EQ(tasks[2].depth().skip_layers(), 4U);
  for (const v1::TaskSelector& task : tasks) {
    EXPECT_FLOAT_EQ(task.depth().quality_floor(), 0.9F);
  }
}

TEST(WithDepths, WithoutFlagsTheServerChooses) {
  EXPECT_FALSE(WithDepths({*ParseTask("a")}, {})[0].has_depth());
  const auto floor = WithDepths({*ParseTask("a")}, {.quality_floor = 0.9F});
  EXPECT_EQ(floor[0].depth().choice_case(), v1::Depth::CHOICE_NOT_SET);
  EXPECT_TRUE(floor[0].depth().has_quality_floor());
  EXPECT_FLOAT_EQ(WithDepths({*ParseTask("a")}, {.min_quality = 0.5F})[0].depth().min_quality(),
                  0.5F);
}

TEST(ExplainStatus, NonsenseInTheDetailsIsAsNone) {
  const Refusal refusal = ExplainStatus({grpc::StatusCode::INTERNAL, "x", "\x01\x02 nonsense"});
  EXPECT_EQ(refusal.reason, "");
  EXPECT_EQ(refusal.retry_ms, 0);
}

}  // namespace
}  // namespace fathom
