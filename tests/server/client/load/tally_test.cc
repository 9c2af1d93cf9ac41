#include "server/client/load/tally.h"

#include <gmock/gmock.h>
#include <google/protobuf/util/time_util.h>
#include <gtest/gtest.h>

#include "server/client/load/answer_log.h"
#include "server/client/load/load_report.h"

namespace fathom {
namespace {

using ::google::protobuf::util::TimeUtil;
using ::testing::HasSubstr;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

// Two tasks: a with a budget of 10 ms at n = 3, b by brown-out at n = 4.
struct Exchange {
  v1::PredictRequest request;
  v1::PredictResponse response;

  explicit Exchange(bool budget_met = true) {
    request.add_inputs()->set_text("x");
    v1::TaskSelector* a = request.add_tasks();
    a->set_name("a");
    *a->mutable_depth()->mutable_latency_budget() = TimeUtil::MillisecondsToDuration(10);
    request.add_tasks()->set_name("b");
    *response.mutable_usage()->mutable_compute() = TimeUtil::MillisecondsToDuration(6);
    *response.mutable_usage()->mutable_queue() = TimeUtil::MillisecondsToDuration(1);
    response.mutable_usage()->set_tokens(5);
    v1::InputResult* result = response.add_results();
    result->set_id("7");
    v1::DepthUsed* first = AddTask("a", 3, v1::DEPTH_REASON_LATENCY_BUDGET, result);
    first->set_budget_met(budget_met);
    first->mutable_quality()->set_relative(0.5F);
    AddTask("b", 4, v1::DEPTH_REASON_BROWNOUT, result);
  }

  static v1::DepthUsed* AddTask(const std::string& name, uint32_t n, v1::DepthReason reason,
                                v1::InputResult* result) {
    v1::TaskResult* task = result->add_tasks();
    task->set_name(name);
    task->mutable_classification()->set_label("good");
    task->mutable_depth()->set_skip_layers(n);
    task->mutable_depth()->set_reason(reason);
    return task->mutable_depth();
  }

  CallOutcome Ok(double latency_ms) const {
    return {.latency_ms = latency_ms,
            .service_ms = latency_ms,
            .code = "OK",
            .request = &request,
            .response = &response};
  }
};

TEST(Tally, CountsWhatTheServerSays) {
  const Exchange exchange;
  Tally tally;
  tally.Add(exchange.Ok(9));
  tally.Add(exchange.Ok(11));  // later than the budget, though the server says that it was met
  tally.Add(Exchange(false).Ok(30));
  EXPECT_EQ(tally.calls(), 3);
  EXPECT_EQ(tally.answers, 6);
  EXPECT_EQ(tally.budget.asked, 3);
  EXPECT_EQ(tally.budget.said_met, 2);
  EXPECT_EQ(tally.budget.kept, 1);
  EXPECT_THAT(tally.depths["a"], UnorderedElementsAre(Pair(3, 3)));
  EXPECT_THAT(tally.depth_reasons,
              UnorderedElementsAre(Pair("LATENCY_BUDGET", 3), Pair("BROWNOUT", 3)));
  EXPECT_EQ(tally.usage.tokens(), 15U);
  EXPECT_NEAR(tally.overhead.QuantileMs(0), 3, 0.03);  // 9 ms without 6 of compute
  EXPECT_EQ(tally.relative_qualities, 3);
}

TEST(Tally, RefusalsAreCountedByReason) {
  Tally tally;
  tally.Add({.latency_ms = 1, .code = "RESOURCE_EXHAUSTED", .reason = "QUEUE_FULL"});
  tally.Add({.latency_ms = 1, .late = true, .code = "RESOURCE_EXHAUSTED", .reason = "QUEUE_FULL"});
  tally.Add({.latency_ms = 1, .code = "UNAVAILABLE", .message = "Socket closed"});
  EXPECT_EQ(tally.without_reason(), 1);
  EXPECT_EQ(tally.late, 1);
  EXPECT_EQ((tally.reasons[{"RESOURCE_EXHAUSTED", "QUEUE_FULL"}]), 2);
  EXPECT_EQ((tally.reasons[{"UNAVAILABLE", "none given: Socket closed"}]), 1);
}

TEST(Tally, AFailedItemIsNoAnswer) {
  Exchange exchange;
  exchange.response.mutable_results(0)->mutable_tasks(1)->mutable_error()->set_message("broken");
  Tally tally;
  tally.Add(exchange.Ok(9));
  EXPECT_EQ(tally.answers, 1);
  EXPECT_EQ(tally.item_errors, 1);
}

TEST(LoadReport, TellsAllAsTextAndJson) {
  const Exchange exchange;
  LoadResult result{.seconds = 2, .unsent = 7, .tally = {}};
  result.tally.Add(exchange.Ok(9));
  result.tally.Add({.latency_ms = 1, .code = "UNAVAILABLE", .reason = "DRAINING"});
  const nlohmann::json json = LoadJson(result);
  EXPECT_EQ(json["calls"], 2);
  EXPECT_EQ(json["unsent"], 7);
  EXPECT_EQ(json["latency"]["OK"]["count"], 1);
  EXPECT_NEAR(json["latency"]["OK"]["p50_ms"].get<double>(), 9, 0.08);
  EXPECT_EQ(json["reasons"]["UNAVAILABLE"]["DRAINING"], 1);
  EXPECT_EQ(json["answers_per_second"], 1);
  EXPECT_EQ(json["n"]["a"]["3"], 1);
  EXPECT_EQ(json["brownout_share"], 0.5);
  EXPECT_EQ(json["budget"]["kept"], 1);
  EXPECT_EQ(json["relative_quality_mean"], 0.5);
  const std::string text = LoadReport(result);
  EXPECT_THAT(text, HasSubstr("UNAVAILABLE DRAINING: 1\n"));
  EXPECT_THAT(text, HasSubstr("n of b:  4: 1\n"));
  EXPECT_THAT(text, HasSubstr("said to be met by 100.0 % of 1 answers; of those 100.0 %"));
  EXPECT_THAT(text, HasSubstr("brown-out: 50.0 % of the answers"));
  EXPECT_THAT(text, HasSubstr("7 never sent"));
}

TEST(LoadReport, HoldsNothingThatIsNotANumberWithoutCalls) {
  const nlohmann::json json = LoadJson({.seconds = 1, .tally = {}});
  EXPECT_EQ(json["answers_per_second"], 0);
  EXPECT_TRUE(json["relative_quality_mean"].is_null());
  EXPECT_EQ(json["brownout_share"], 0);
}

TEST(AnswerJson, HoldsAnswersOrTheReason) {
  const Exchange exchange;
  const nlohmann::json good = AnswerJson(exchange.Ok(9));
  EXPECT_EQ(good["results"][0]["id"], "7");
  EXPECT_EQ(good["results"][0]["tasks"][0]["name"], "a");
  EXPECT_EQ(good["results"][0]["tasks"][0]["n"], 3);
  EXPECT_EQ(good["results"][0]["tasks"][0]["label"], "good");
  const nlohmann::json bad =
      AnswerJson({.call = 4, .latency_ms = 1, .code = "UNAVAILABLE", .reason = "DRAINING"});
  EXPECT_EQ(bad["call"], 4);
  EXPECT_EQ(bad["reason"], "DRAINING");
}

}  // namespace
}  // namespace fathom
