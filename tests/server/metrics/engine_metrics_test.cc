#include "server/metrics/engine_metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prometheus/text_serializer.h>

#include "tests/server/fake_engine.h"

namespace fathom {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

TEST(EngineMetrics, ShowWhatTheCachesDidWhenScraped) {
  FakeEngine engine;
  const EngineMetrics metrics(&engine);
  engine.SetCacheReport({.taps = {.hits = 1,
                                  .misses = 2,
                                  .evictions = 3,
                                  .refused = 4,
                                  .entries = 5,
                                  .bytes = 600'000'000'000},
                         .answers = {.hits = 7, .misses = 8, .entries = 9, .bytes = 10},
                         .weights = {.hits = 12, .evictions = 13, .bytes = 14}});
  const std::string text = prometheus::TextSerializer().Serialize(metrics.Collect());
  EXPECT_THAT(text, AllOf(HasSubstr("# TYPE fathom_tap_cache_hits_total counter\n"
                                    "fathom_tap_cache_hits_total 1\n"),
                          HasSubstr("fathom_tap_cache_misses_total 2\n"),
                          HasSubstr("fathom_tap_cache_evictions_total 3\n"),
                          HasSubstr("fathom_tap_cache_refused_total 4\n"),
                          HasSubstr("# TYPE fathom_tap_cache_entries gauge\n"
                                    "fathom_tap_cache_entries 5\n"),
                          HasSubstr("fathom_tap_cache_bytes 600000000000\n")));
  EXPECT_THAT(text, AllOf(HasSubstr("fathom_answer_cache_hits_total 7\n"),
                          HasSubstr("fathom_answer_cache_misses_total 8\n"),
                          HasSubstr("fathom_answer_cache_evictions_total 0\n"),
                          HasSubstr("fathom_answer_cache_entries 9\n"),
                          HasSubstr("fathom_answer_cache_bytes 10\n")));
  EXPECT_THAT(text, AllOf(HasSubstr("fathom_adapter_cache_hits_total 12\n"),
                          HasSubstr("fathom_adapter_cache_evictions_total 13\n"),
                          HasSubstr("fathom_adapter_cache_bytes 14\n")));
  engine.SetCacheReport({.taps = {.hits = 11}});
  EXPECT_THAT(prometheus::TextSerializer().Serialize(metrics.Collect()),
              HasSubstr("fathom_tap_cache_hits_total 11\n"));
}

TEST(EngineMetrics, ShowHowManyTasksThereAre) {
  FakeEngine engine;
  engine.AddTask(RegressionTask("likeness"));
  engine.AddTask(RegressionTask("mood"));
  engine.AddTask(RefusedTask("broken", absl::DataLossError("truncated")));
  EXPECT_THAT(prometheus::TextSerializer().Serialize(EngineMetrics(&engine).Collect()),
              AllOf(HasSubstr("# TYPE fathom_tasks_loaded gauge\nfathom_tasks_loaded 2\n"),
                    HasSubstr("fathom_tasks_refused 1\n"), HasSubstr("fathom_task_loads_total 2\n"),
                    HasSubstr("fathom_task_load_failures_total 1\n")));
}

}  // namespace
}  // namespace fathom
