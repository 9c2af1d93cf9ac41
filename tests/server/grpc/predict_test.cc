// Predict, ListTasks and GetServerInfo over a real connection.
#include <gmock/gmock.h>
#include <google/protobuf/util/time_util.h>
#include <gtest/gtest.h>

#include "tests/server/grpc/server_fixture.h"

namespace fathom {
namespace {

using ::google::protobuf::util::TimeUtil;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;
using ::testing::SizeIs;

using PredictTest = ServerTest;

TEST_F(PredictTest, AnswersEveryTaskOfEveryInputInOrder) {
  Start();
  v1::PredictRequest request = Request("a fine day", "topic");
  request.mutable_inputs(0)->set_id("first");
  request.add_inputs()->mutable_pair()->set_first("one two");
  request.mutable_inputs(1)->mutable_pair()->set_second("three");
  request.add_inputs()->mutable_token_ids()->add_ids(7);
  request.add_tasks()->set_name("likeness");
  request.mutable_options()->set_return_logits(true);
  v1::PredictResponse response;
  const grpc::Status status = Predict(request, &response);
  ASSERT_TRUE(status.ok()) << status.error_message();
  ASSERT_EQ(response.results_size(), 3);
  EXPECT_EQ(response.results(0).id(), "first");
  EXPECT_EQ(response.results(0).token_count(), 5);
  EXPECT_EQ(response.results(1).token_count(), 5);
  EXPECT_EQ(response.results(2).token_count(), 1);
  for (const v1::InputResult& result : response.results()) {
    ASSERT_EQ(result.tasks_size(), 2);
    EXPECT_EQ(result.tasks(0).name(), "topic");
    EXPECT_TRUE(result.tasks(0).has_classification());
    EXPECT_EQ(result.tasks(0).logits_size(), 3);
    EXPECT_TRUE(result.tasks(1).has_regression());
    EXPECT_FALSE(result.truncated());
  }
}

TEST_F(PredictTest, SaysWhatTheCallCost) {
  Start();
  v1::PredictRequest request = Request("a fine day", "mood");
  request.mutable_depth()->set_skip_layers(4);
  v1::PredictResponse response;
  ASSERT_TRUE(Predict(request, &response).ok());
  const v1::Usage& usage = response.usage();
  EXPECT_EQ(usage.tokens(), 5);
  EXPECT_DOUBLE_EQ(usage.row_layers_run(), 5 * 12);
  EXPECT_DOUBLE_EQ(usage.row_layers_skipped(), 5 * 4);
  EXPECT_DOUBLE_EQ(usage.row_layers_shared(), 5.0 / 3);
  EXPECT_DOUBLE_EQ(usage.row_layers_cached(), 5.0 / 4);
  EXPECT_EQ(usage.batch_inputs(), 1);
  EXPECT_EQ(usage.passes(), 1);
  EXPECT_GT(TimeUtil::DurationToNanoseconds(usage.compute()), 0);
  EXPECT_GT(TimeUtil::DurationToNanoseconds(usage.tokenize()), 0);
  EXPECT_GE(TimeUtil::DurationToNanoseconds(usage.queue()), 0);
}

TEST_F(PredictTest, ATasksOwnDepthGoesBeforeTheCalls) {
  Start();
  v1::PredictRequest request = Request("a fine day", "mood");
  request.mutable_depth()->set_skip_layers(4);
  request.add_tasks()->set_name("mood");
  request.mutable_tasks(1)->mutable_depth()->set_skip_layers(9);
  request.add_tasks()->set_name("topic");
  request.mutable_tasks(2)->mutable_depth();  // no choice: the default
  v1::PredictResponse response;
  ASSERT_TRUE(Predict(request, &response).ok());
  EXPECT_THAT(engine_->passes()[0].texts[0].tasks,
              ElementsAre(Pair("mood", 4), Pair("mood", 9), Pair("topic", 0)));
  const auto& tasks = response.results(0).tasks();
  EXPECT_EQ(tasks[0].depth().reason(), v1::DEPTH_REASON_EXACT);
  EXPECT_EQ(tasks[1].depth().skip_layers(), 9);
  EXPECT_EQ(tasks[2].depth().reason(), v1::DEPTH_REASON_TASK_DEFAULT);
}

TEST_F(PredictTest, TruncatesUnlessToldNotToAndSaysSo) {
  Start();
  const std::string text = "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17";
  v1::PredictResponse response;
  ASSERT_TRUE(Predict(Request(text, "mood"), &response).ok());
  EXPECT_TRUE(response.results(0).truncated());
  EXPECT_EQ(response.results(0).token_count(), 16);
}

TEST_F(PredictTest, AFailedItemLeavesItsNeighboursAlone) {
  Start();
  engine_->SetTaskLogits("topic", {0, NAN, 0});
  v1::PredictRequest request = Request("a fine day", "topic");
  request.add_tasks()->set_name("mood");
  v1::PredictResponse response;
  ASSERT_TRUE(Predict(request, &response).ok());
  EXPECT_EQ(response.results(0).tasks(0).error().code(), grpc::StatusCode::INTERNAL);
  EXPECT_THAT(response.results(0).tasks(0).error().message(), HasSubstr("topic"));
  EXPECT_TRUE(response.results(0).tasks(1).has_classification());
}

TEST_F(PredictTest, AFailedPassFailsTheCallAndTheNextOneIsAnswered) {
  Start();
  engine_->FailNextRun(absl::InternalError("no memory for 40 rows"));
  const grpc::Status status = Predict(Request("a fine day", "mood"));
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INTERNAL);
  EXPECT_EQ(status.error_message(), "no memory for 40 rows");
  EXPECT_TRUE(Predict(Request("a fine day", "mood")).ok());
}

TEST_F(PredictTest, ReturnsTheRequestIdAlsoWithAnError) {
  Start();
  for (const std::string task : {"mood", "no such task"}) {
    grpc::ClientContext context;
    context.AddMetadata("x-request-id", "abc-7");
    v1::PredictResponse response;
    stub_->Predict(&context, Request("a fine day", task), &response);
    const auto& trailers = context.GetServerTrailingMetadata();
    const auto it = trailers.find("x-request-id");
    ASSERT_NE(it, trailers.end());
    EXPECT_EQ(std::string(it->second.data(), it->second.size()), "abc-7");
  }
}

TEST_F(PredictTest, ListsTasksAlsoThoseThatWereRefused) {
  Start();
  grpc::ClientContext context;
  v1::ListTasksResponse response;
  ASSERT_TRUE(stub_->ListTasks(&context, {}, &response).ok());
  ASSERT_EQ(response.tasks_size(), 6);
  EXPECT_EQ(response.tasks(0).name(), "broken");
  EXPECT_THAT(response.tasks(0).load_error().message(), HasSubstr("head.weight"));
}

TEST_F(PredictTest, SaysWhatTheServerIs) {
  Start();
  grpc::ClientContext context;
  v1::GetServerInfoResponse info;
  ASSERT_TRUE(stub_->GetServerInfo(&context, {}, &info).ok());
  EXPECT_EQ(info.version(), "1.2.3");
  EXPECT_EQ(info.layers(), 12);
  EXPECT_EQ(info.max_inputs(), 256);
  EXPECT_EQ(info.max_tasks(), 128);
  EXPECT_EQ(info.max_tokens(), 16);
  EXPECT_EQ(info.device(), "cpu");
}

TEST_F(PredictTest, TagsTheTokensOfTextsAndPairs) {
  Start();
  v1::PredictRequest request = Request("a fine day", "names");
  request.add_inputs()->mutable_pair()->set_first("one two");
  request.mutable_inputs(1)->mutable_pair()->set_second("three");
  request.add_inputs()->mutable_token_ids()->add_ids(7);
  request.mutable_options()->set_return_logits(true);
  v1::PredictResponse response;
  ASSERT_TRUE(Predict(request, &response).ok());
  const v1::TaskResult& text = response.results(0).tasks(0);
  ASSERT_EQ(text.tagging().tags_size(), 3);
  EXPECT_EQ(text.logits_size(), 5 * 3);
  const v1::TokenTag& fine = text.tagging().tags(1);
  EXPECT_EQ(fine.begin(), 2);
  EXPECT_EQ(fine.end(), 6);
  EXPECT_EQ(fine.token(), 2);
  EXPECT_GT(fine.probability(), 1.0 / 3);
  const v1::Tagging& pair = response.results(1).tasks(0).tagging();
  ASSERT_EQ(pair.tags_size(), 3);
  EXPECT_EQ(pair.tags(1).text(), 0);
  EXPECT_EQ(pair.tags(2).text(), 1);
  EXPECT_EQ(pair.tags(2).begin(), 0);
  EXPECT_EQ(pair.tags(2).end(), 5);
  const v1::Tagging& ids = response.results(2).tasks(0).tagging();
  ASSERT_EQ(ids.tags_size(), 1);
  EXPECT_EQ(ids.tags(0).end(), 0);
}

TEST_F(PredictTest, GivesEveryLabelOfAMultiLabelTask) {
  Start();
  v1::PredictResponse response;
  ASSERT_TRUE(Predict(Request("a fine day", "genres"), &response).ok());
  const v1::MultiLabel& answer = response.results(0).tasks(0).multi_label();
  ASSERT_EQ(answer.labels_size(), 2);
  EXPECT_EQ(answer.labels(0).name(), "crime");
  EXPECT_EQ(answer.labels(1).name(), "drama");
}

}  // namespace
}  // namespace fathom
