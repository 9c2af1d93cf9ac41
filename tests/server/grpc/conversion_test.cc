// Pure conversions: probabilities, answers, statuses, UTF-8, pages of tasks.
#include <gmock/gmock.h>
#include <google/rpc/error_details.pb.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>

#include "server/grpc/answer.h"
#include "server/grpc/errors.h"
#include "server/grpc/probabilities.h"
#include "server/grpc/status.h"
#include "server/grpc/task_list.h"
#include "tests/server/fake_engine.h"

namespace fathom {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::FloatEq;
using ::testing::FloatNear;
using ::testing::HasSubstr;
using ::testing::SizeIs;

constexpr float kInfinity = std::numeric_limits<float>::infinity();

TEST(Softmax, IsSafeForLogitsOfAnySize) {
  EXPECT_THAT(Softmax({-1000.0F, 10.0F}), ElementsAre(FloatEq(0), FloatEq(1)));
  EXPECT_THAT(Softmax({1e4F, -1e4F, 1e4F}), ElementsAre(FloatEq(0.5), FloatEq(0), FloatEq(0.5)));
  EXPECT_THAT(Softmax({-1e4F, -1e4F}), Each(FloatEq(0.5)));
  EXPECT_THAT(Softmax({std::numeric_limits<float>::max(), std::numeric_limits<float>::lowest()}),
              ElementsAre(FloatEq(1), FloatEq(0)));
  EXPECT_THAT(Softmax({3.0F}), ElementsAre(FloatEq(1)));
}

TEST(Softmax, DoesNotChangeWithAShift) {
  const std::vector<float> base = Softmax({0.5F, -1.25F, 2.0F});
  const std::vector<float> shifted = Softmax({64.5F, 62.75F, 66.0F});
  for (size_t i = 0; i < base.size(); ++i) EXPECT_THAT(shifted[i], FloatNear(base[i], 1e-6F));
  EXPECT_THAT(base[2], FloatNear(0.79245F, 1e-5F));
}

TEST(TopClasses, PutsTheBestFirstAndBreaksTiesByClass) {
  EXPECT_THAT(TopClasses({0.2F, 0.4F, 0.2F, 0.2F}, 3), ElementsAre(1, 0, 2));
  EXPECT_THAT(TopClasses({0.2F, 0.8F}, 9), ElementsAre(1, 0));
  EXPECT_THAT(TopClasses({0.2F, 0.8F}, 0), SizeIs(0));
}

TaskOutput Logits(std::vector<float> logits) {
  TaskOutput output;
  output.logits = std::move(logits);
  return output;
}

TEST(MakeTaskResult, HoldsLabelProbabilityDepthAndExpectedQuality) {
  const TaskInfo task = ClassificationTask("topic", {"art", "law", "war"});
  v1::PredictOptions options;
  options.set_top_k(2);
  options.set_return_logits(true);
  const v1::TaskResult result = MakeTaskResult(
      Logits({0, 2, 1}), task, {.skip_layers = 5, .reason = DepthReason::kExact}, options);
  EXPECT_EQ(result.classification().label(), "law");
  EXPECT_THAT(result.classification().probability(), FloatNear(0.6652F, 1e-4F));
  ASSERT_EQ(result.classification().top_size(), 2);
  EXPECT_EQ(result.classification().top(1).name(), "war");
  EXPECT_THAT(result.logits(), ElementsAre(0, 2, 1));
  EXPECT_EQ(result.depth().skip_layers(), 5);
  EXPECT_THAT(result.depth().quality().score(), FloatEq(0.7F));
  EXPECT_THAT(result.depth().quality().relative(), FloatEq(0.7F / 0.8F));
  EXPECT_EQ(result.depth().quality().metric(), "accuracy");
  EXPECT_FALSE(result.depth().quality().has_agreement());
}

TEST(MakeTaskResult, SaysWhatWasPredictedAndWhetherTheBudgetWasMet) {
  TaskInfo task = ClassificationTask("topic", {"art", "law"});
  task.profile->points[3].half_width = 0.0125;
  const auto with = MakeTaskResult(Logits({0, 2}), task,
                                   {.skip_layers = 3,
                                    .reason = DepthReason::kLatencyBudget,
                                    .budget_met = false,
                                    .predicted_ms = 12.5},
                                   {});
  EXPECT_EQ(with.depth().reason(), v1::DEPTH_REASON_LATENCY_BUDGET);
  ASSERT_TRUE(with.depth().has_budget_met());
  EXPECT_FALSE(with.depth().budget_met());
  EXPECT_EQ(with.depth().predicted().nanos(), 12'500'000);
  EXPECT_FLOAT_EQ(with.depth().quality().half_width(), 0.0125F);

  const auto without = MakeTaskResult(Logits({0, 2}), task, {.skip_layers = 4}, {});
  EXPECT_FALSE(without.depth().has_budget_met());
  EXPECT_FALSE(without.depth().has_predicted());
  EXPECT_FALSE(without.depth().quality().has_half_width());
}

TEST(MakeTaskResult, NamesEveryReason) {
  const TaskInfo task = ClassificationTask("topic", {"art", "law"});
  const std::pair<DepthReason, v1::DepthReason> reasons[] = {
      {DepthReason::kExact, v1::DEPTH_REASON_EXACT},
      {DepthReason::kLatencyBudget, v1::DEPTH_REASON_LATENCY_BUDGET},
      {DepthReason::kMinQuality, v1::DEPTH_REASON_MIN_QUALITY},
      {DepthReason::kTaskDefault, v1::DEPTH_REASON_TASK_DEFAULT},
      {DepthReason::kBrownout, v1::DEPTH_REASON_BROWNOUT},
      {DepthReason::kDriftGuard, v1::DEPTH_REASON_DRIFT_GUARD}};
  for (const auto& [reason, wire] : reasons) {
    EXPECT_EQ(MakeTaskResult(Logits({0, 2}), task, {.reason = reason}, {}).depth().reason(), wire);
  }
}

TEST(MakeTaskResult, HasNoQualityWhereNoneWasMeasured) {
  const TaskInfo task = ClassificationTask("topic", {"art", "law"});
  const auto at_all_layers =
      MakeTaskResult(Logits({0, 2}), task, {.skip_layers = 12, .reason = DepthReason::kExact}, {});
  EXPECT_FALSE(at_all_layers.depth().has_quality());
  EXPECT_THAT(at_all_layers.logits(), SizeIs(0));
  const auto regression = MakeTaskResult(Logits({3.5F}), RegressionTask("likeness"),
                                         {.skip_layers = 0, .reason = DepthReason::kExact}, {});
  EXPECT_FLOAT_EQ(regression.regression().value(), 3.5F);
  EXPECT_FALSE(regression.depth().has_quality());
}

TEST(MakeTaskResult, MakesABadOutputTheErrorOfThisItem) {
  const TaskInfo task = ClassificationTask("topic", {"art", "law"});
  TaskOutput failed;
  failed.status = absl::ResourceExhaustedError("no memory");
  for (const TaskOutput& output :
       {Logits({NAN, 1}), Logits({1, kInfinity}), Logits({1}), Logits({}), failed}) {
    const v1::TaskResult result = MakeTaskResult(output, task, {.skip_layers = 0}, {});
    ASSERT_TRUE(result.has_error());
    const bool of_engine = !output.status.ok();
    EXPECT_EQ(result.error().code(),
              static_cast<int>(of_engine ? output.status.code() : absl::StatusCode::kInternal));
    EXPECT_THAT(result.error().message(), HasSubstr(of_engine ? "no memory" : "'topic'"));
    EXPECT_EQ(result.depth().reason(), v1::DEPTH_REASON_TASK_DEFAULT);
  }
}

TEST(ToGrpcStatus, KeepsCodeMessageAndDetails) {
  const grpc::Status status = ToGrpcStatus(InvalidField("inputs", "empty; give 1 to 256"));
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(status.error_message(), "inputs: empty; give 1 to 256");
  google::rpc::Status rpc;
  ASSERT_TRUE(rpc.ParseFromString(status.error_details()));
  EXPECT_EQ(rpc.code(), 3);
  EXPECT_EQ(rpc.message(), status.error_message());
  EXPECT_EQ(rpc.details_size(), 2);
}

TEST(ToGrpcStatus, NamesTheCodeWhereThereIsNoOtherReason) {
  google::rpc::Status rpc;
  ASSERT_TRUE(
      rpc.ParseFromString(ToGrpcStatus(absl::ResourceExhaustedError("full")).error_details()));
  google::rpc::ErrorInfo info;
  ASSERT_EQ(rpc.details_size(), 1);
  ASSERT_TRUE(rpc.details(0).UnpackTo(&info));
  EXPECT_EQ(info.reason(), "RESOURCE_EXHAUSTED");
  EXPECT_EQ(info.domain(), "fathom");
}

TEST(ToGrpcStatus, CutsAMessageThatWouldNotFitIntoATrailer) {
  std::string text(1999, 'a');
  text += "ä and much more";
  const grpc::Status status = ToGrpcStatus(absl::InternalError(text));
  EXPECT_EQ(status.error_message(), std::string(1999, 'a') + "…");
  EXPECT_TRUE(ToGrpcStatus(absl::OkStatus()).ok());
}

class ListTasksPageTest : public ::testing::Test {
 protected:
  ListTasksPageTest() {
    TaskInfo second = ClassificationTask("b", {"no", "yes"});
    second.version = 2;
    engine_.AddTask(RegressionTask("a"));
    engine_.AddTask(ClassificationTask("b", {"no", "yes"}));
    engine_.AddTask(second);
    engine_.AddTask(RefusedTask("bad", absl::DataLossError("truncated")));
    engine_.AddTask(RegressionTask("c"));
  }

  FakeEngine engine_;
  TaskDepthPolicies policies_;
};

TEST_F(ListTasksPageTest, WalksAllPagesOnce) {
  v1::ListTasksRequest request;
  request.set_page_size(2);
  std::vector<std::string> seen;
  for (int pages = 0; pages < 10; ++pages) {
    const auto page = ListTasksPage(engine_, policies_, request);
    ASSERT_TRUE(page.ok()) << page.status();
    for (const v1::TaskInfo& task : page->tasks()) {
      seen.push_back(task.name() + "/" + std::to_string(task.version()));
    }
    request.set_page_token(page->next_page_token());
    if (request.page_token().empty()) break;
  }
  EXPECT_THAT(seen, ElementsAre("a/1", "b/1", "b/2", "bad/1", "c/1"));
}

TEST_F(ListTasksPageTest, KeepsToThePrefixAndEndsOnAFullPage) {
  v1::ListTasksRequest request;
  request.set_name_prefix("b");
  request.set_page_size(3);
  const auto page = ListTasksPage(engine_, policies_, request);
  ASSERT_TRUE(page.ok());
  EXPECT_EQ(page->tasks_size(), 3);
  EXPECT_EQ(page->next_page_token(), "");
}

TEST_F(ListTasksPageTest, TellsWhatATaskIs) {
  const auto page = ListTasksPage(engine_, policies_, {});
  ASSERT_TRUE(page.ok());
  const v1::TaskInfo& task = page->tasks(2);
  EXPECT_THAT(task.labels(), ElementsAre("no", "yes"));
  EXPECT_EQ(task.head(), v1::HEAD_KIND_CLASSIFICATION);
  EXPECT_EQ(task.trained_skip_layers().last(), 11);
  EXPECT_EQ(task.profile_size(), 12);
  EXPECT_TRUE(task.profile(3).trained());
  EXPECT_TRUE(task.default_version());
  EXPECT_FALSE(page->tasks(1).default_version());
  EXPECT_EQ(page->tasks(3).load_error().message(), "truncated");
}

TEST_F(ListTasksPageTest, TellsTheOperatorsDefault) {
  ASSERT_TRUE(policies_.Change(ClassificationTask("b", {}), {.default_skip_layers = 5}).ok());
  const auto page = ListTasksPage(engine_, policies_, {});
  ASSERT_TRUE(page.ok());
  EXPECT_EQ(page->tasks(0).default_skip_layers(), 0);
  EXPECT_EQ(page->tasks(1).default_skip_layers(), 5);
}

TEST_F(ListTasksPageTest, RefusesATokenItDidNotMake) {
  for (const std::string token : {"x", "AAAA", "!!!"}) {
    v1::ListTasksRequest request;
    request.set_page_token(token);
    EXPECT_THAT(ListTasksPage(engine_, policies_, request).status().message(),
                HasSubstr("page_token"));
  }
}

}  // namespace
}  // namespace fathom
