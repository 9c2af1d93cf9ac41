#include "server/metrics/depth_metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prometheus/text_serializer.h>

#include "tests/server/fake_engine.h"

namespace fathom {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

// With an agreement of 0.9 at n = 3.
TaskInfo ComparedTask(const std::string& name) {
  TaskInfo task = ClassificationTask(name, {"bad", "good"});
  task.profile->points[3].agreement = 0.9;
  return task;
}

std::string Text(const DepthReport& report, const Engine& engine, const TaskLabels& labels) {
  return prometheus::TextSerializer().Serialize(DepthFamilies(report, engine, labels));
}

TEST(DepthMetrics, ShowBrownoutAndTrippedGuards) {
  const FakeEngine engine;
  const TaskLabels labels(1);
  const DepthReport report{
      .brownout_steps = 2,
      .agreements = {{.task = "a", .version = 1, .tripped = true}, {.task = "b", .version = 1}}};
  EXPECT_THAT(Text(report, engine, labels), AllOf(HasSubstr("fathom_brownout_steps 2\n"),
                                                  HasSubstr("fathom_drift_guards_tripped 1\n")));
}

TEST(DepthMetrics, ShowAgreementBesideWhatTheProfileExpects) {
  FakeEngine engine;
  engine.AddTask(ComparedTask("mood"));
  TaskLabels labels(1);
  ASSERT_TRUE(labels.Admit("mood"));
  const DepthReport report{
      .agreements = {{.task = "mood",
                      .version = 1,
                      .depths = {{.skip_layers = 3, .samples = 40, .agreed = 30.5}}}}};
  EXPECT_THAT(
      Text(report, engine, labels),
      AllOf(HasSubstr("fathom_shadow_samples_total{task=\"mood\",skip_layers=\"3\"} 40\n"),
            HasSubstr("fathom_shadow_agreed_total{task=\"mood\",skip_layers=\"3\"} 30.5\n"),
            HasSubstr("fathom_shadow_expected_total{task=\"mood\",skip_layers=\"3\"} 36\n")));
}

TEST(DepthMetrics, TasksWithoutALabelAreSummedUp) {
  FakeEngine engine;
  engine.AddTask(ComparedTask("a"));
  engine.AddTask(ComparedTask("b"));
  const TaskLabels labels(0);
  const std::vector<DriftGuard::Agreement> depths = {
      {.skip_layers = 3, .samples = 10, .agreed = 9}};
  const DepthReport report{.agreements = {{.task = "a", .version = 1, .depths = depths},
                                          {.task = "b", .version = 1, .depths = depths},
                                          {.task = "gone", .version = 1, .depths = depths}}};
  const std::string text = Text(report, engine, labels);
  EXPECT_THAT(
      text, AllOf(HasSubstr("fathom_shadow_samples_total{task=\"other\",skip_layers=\"3\"} 20\n"),
                  HasSubstr("fathom_shadow_expected_total{task=\"other\",skip_layers=\"3\"} 18\n"),
                  Not(HasSubstr("gone"))));
}

TEST(DepthMetrics, FamiliesAreThereBeforeTheFirstComparison) {
  const FakeEngine engine;
  EXPECT_THAT(Text({}, engine, TaskLabels(1)),
              AllOf(HasSubstr("# TYPE fathom_shadow_samples_total counter"),
                    HasSubstr("fathom_brownout_steps 0\n")));
}

}  // namespace
}  // namespace fathom
