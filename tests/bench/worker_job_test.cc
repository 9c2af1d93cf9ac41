#include "tests/bench/worker_job.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fathom::bench {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(WorkerJob, ReadsAJob) {
  const auto job = ParseJob(nlohmann::json::parse(R"({
    "texts": [{"ids": [5, 6], "segment_ids": [0, 1], "tasks": [{"name": "a", "skip_layers": 3}]},
              {"ids": [7], "tasks": [{}]}],
    "untimed": 2, "repeat": 4, "keep_taps": true})"));
  ASSERT_TRUE(job.ok()) << job.status();
  ASSERT_EQ(job->texts.size(), 2);
  EXPECT_THAT(job->texts[0].text.ids, ElementsAre(5, 6));
  EXPECT_THAT(job->texts[0].text.segment_ids, ElementsAre(0, 1));
  EXPECT_EQ(job->texts[0].text.full_tokens, 2);
  EXPECT_EQ(job->texts[0].tasks[0].name, "a");
  EXPECT_EQ(job->texts[0].tasks[0].skip_layers, 3);
  EXPECT_THAT(job->texts[1].text.segment_ids, ElementsAre(0));
  EXPECT_EQ(job->texts[1].tasks[0].name, "");
  EXPECT_EQ(job->untimed, 2);
  EXPECT_EQ(job->repeat, 4);
  EXPECT_TRUE(job->keep_taps);
}

TEST(WorkerJob, SaysWhatIsWrong) {
  struct Bad {
    const char* json;
    const char* message;
  };
  for (const Bad& bad :
       {Bad{"{}", "texts"}, Bad{R"({"texts": []})", "without texts"},
        Bad{R"({"texts": [{"tasks": [{}]}]})", "ids"},
        Bad{R"({"texts": [{"ids": [], "tasks": [{}]}]})", "without ids"},
        Bad{R"({"texts": [{"ids": ["a"], "tasks": [{}]}]})", "not a job"},
        Bad{R"({"texts": [{"ids": [1], "tasks": []}]})", "without tasks"},
        Bad{R"({"texts": [{"ids": [1], "segment_ids": [0, 0], "tasks": [{}]}]})", "segment_ids"},
        Bad{R"({"texts": [{"ids": [1], "tasks": [{}]}], "repeat": 0})", "repeat"}}) {
    const auto job = ParseJob(nlohmann::json::parse(bad.json));
    ASSERT_FALSE(job.ok()) << bad.json;
    EXPECT_THAT(std::string(job.status().message()), HasSubstr(bad.message));
  }
}

}  // namespace
}  // namespace fathom::bench
