// Embed and Tokenize over a real connection.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prometheus/text_serializer.h>

#include <cmath>
#include <functional>
#include <thread>

#include "server/grpc/embed_call.h"
#include "tests/server/grpc/server_fixture.h"

namespace fathom {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

class EmbedTest : public ServerTest {
 protected:
  static v1::EmbedRequest TwoTexts() {
    v1::EmbedRequest request;
    request.add_inputs()->set_text("a fine day");
    request.mutable_inputs(0)->set_id("first");
    request.add_inputs()->set_text("one");
    return request;
  }

  grpc::Status Embed(const v1::EmbedRequest& request, v1::EmbedResponse* response) {
    grpc::ClientContext context;
    return stub_->Embed(&context, request, response);
  }

  grpc::Status Tokenize(const v1::TokenizeRequest& request, v1::TokenizeResponse* response) {
    grpc::ClientContext context;
    return stub_->Tokenize(&context, request, response);
  }
};

TEST_F(EmbedTest, GivesTheEncodersOwnState) {
  Start();
  v1::EmbedResponse response;
  ASSERT_TRUE(Embed(TwoTexts(), &response).ok());
  ASSERT_EQ(response.embeddings_size(), 2);
  // The fake's state: tokens, n, PassOutput, -1.
  EXPECT_THAT(response.embeddings(0).values(), ElementsAre(5, 0, 1, -1));
  EXPECT_THAT(response.embeddings(1).values(), ElementsAre(3, 0, 1, -1));
  EXPECT_EQ(response.embeddings(0).id(), "first");
  EXPECT_EQ(response.embeddings(0).token_count(), 5);
  EXPECT_FALSE(response.embeddings(0).truncated());
  EXPECT_EQ(response.version(), 0);
  EXPECT_EQ(response.usage().tokens(), 8);
  EXPECT_EQ(response.usage().passes(), 1);
  EXPECT_GT(response.usage().row_layers_run(), 0);
  EXPECT_THAT(engine_->passes()[0].texts[0].tasks, ElementsAre(Pair("", 0)));
}

TEST_F(EmbedTest, PoolsAndScalesAsAsked) {
  Start();
  v1::EmbedRequest request = TwoTexts();
  request.set_pooling(v1::POOLING_MEAN);
  v1::EmbedResponse response;
  ASSERT_TRUE(Embed(request, &response).ok());
  EXPECT_THAT(response.embeddings(0).values(), ElementsAre(5, 0, 2, -1));
  request.set_normalize(true);
  ASSERT_TRUE(Embed(request, &response).ok());
  float sum = 0;
  for (const float value : response.embeddings(0).values()) sum += value * value;
  EXPECT_NEAR(sum, 1, 1e-6);
}

TEST_F(EmbedTest, RunsATaskAtItsDepth) {
  Start();
  v1::EmbedRequest request = TwoTexts();
  request.mutable_task()->set_name("mood");
  request.mutable_task()->mutable_depth()->set_skip_layers(4);
  v1::EmbedResponse response;
  ASSERT_TRUE(Embed(request, &response).ok());
  EXPECT_THAT(response.embeddings(0).values(), ElementsAre(5, 4, 1, -1));
  EXPECT_EQ(response.version(), 1);
  EXPECT_EQ(response.skip_layers(), 4);
  request.mutable_task()->clear_depth();
  ASSERT_TRUE(Embed(request, &response).ok());
  EXPECT_EQ(response.skip_layers(), 0);
}

TEST_F(EmbedTest, TheSameTextsInPredictAreOtherAnswers) {
  Start();
  engine_->Hold();
  v1::EmbedRequest request = TwoTexts();
  request.mutable_task()->set_name("mood");
  v1::PredictResponse predicted;
  v1::EmbedResponse embedded;
  std::thread predict([&] { EXPECT_TRUE(Predict(Request("one", "mood"), &predicted).ok()); });
  std::thread embed([&] { EXPECT_TRUE(Embed(request, &embedded).ok()); });
  engine_->AwaitRuns(1);
  engine_->Release();
  predict.join();
  embed.join();
  EXPECT_TRUE(predicted.results(0).tasks(0).has_classification());
  EXPECT_EQ(embedded.embeddings(1).values_size(), 4);
}

TEST_F(EmbedTest, CountsAsACall) {
  Start();
  v1::EmbedResponse response;
  ASSERT_TRUE(Embed(TwoTexts(), &response).ok());
  v1::EmbedRequest request = TwoTexts();
  request.mutable_task()->set_name("mood");
  ASSERT_TRUE(Embed(request, &response).ok());
  request.mutable_task()->set_name("weather");
  const grpc::Status unknown = Embed(request, &response);
  EXPECT_EQ(unknown.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(DetailOf<google::rpc::ResourceInfo>(unknown).resource_name(), "weather");
  EXPECT_THAT(prometheus::TextSerializer().Serialize(server_->metrics().registry()->Collect()),
              AllOf(HasSubstr(R"(fathom_requests_total{code="OK",task="none"} 1)"),
                    HasSubstr(R"(fathom_requests_total{code="OK",task="mood"} 1)"),
                    HasSubstr(R"(fathom_requests_total{code="NOT_FOUND",task="other"} 1)"),
                    HasSubstr("fathom_compute_duration_seconds_count 2\n")));
}

TEST_F(EmbedTest, NamesWhatIsWrong) {
  Start({.metrics_listen = "", .limits = {.max_inputs = 2}});
  const struct {
    std::function<void(v1::EmbedRequest&)> change;
    const char* message;
  } cases[] = {
      {[](auto& r) { r.clear_inputs(); }, "inputs: empty; give 1 to 2"},
      {[](auto& r) { r.add_inputs()->set_text("x"); }, "inputs: 3 of them; the limit is 2"},
      {[](auto& r) { r.mutable_inputs(1)->clear_kind(); }, "inputs[1]: no kind set"},
      {[](auto& r) { r.mutable_inputs(1)->mutable_token_ids(); }, "inputs[1].token_ids.ids: empty"},
      {[](auto& r) { r.set_pooling(static_cast<v1::Pooling>(9)); }, "pooling: unknown value 9"},
      {[](auto& r) { r.set_truncation(static_cast<v1::Truncation>(9)); }, "truncation: unknown"},
      {[](auto& r) { r.mutable_task(); }, "task.name: empty"},
      {[](auto& r) { r.mutable_task()->set_name(std::string(300, 'n')); }, "task.name: 300 bytes"},
      {[](auto& r) {
         r.mutable_task()->set_name("mood");
         r.mutable_task()->mutable_depth()->set_skip_layers(13);
       },
       "task.depth.skip_layers: 13"},
      {[](auto& r) {
         r.mutable_task()->set_name("mood");
         r.mutable_task()->mutable_depth()->mutable_latency_budget()->set_seconds(1);
       },
       "task.depth.latency_budget: Embed runs at an exact n"},
      {[](auto& r) {
         r.mutable_task()->set_name("mood");
         r.mutable_task()->mutable_depth()->set_min_quality(0.9F);
       },
       "task.depth.min_quality: Embed runs at an exact n"},
      {[](auto& r) {
         r.mutable_inputs(0)->set_text("1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17");
         r.set_truncation(v1::TRUNCATION_ERROR);
       },
       "inputs[0].text"},
  };
  for (const auto& test : cases) {
    v1::EmbedRequest request = TwoTexts();
    test.change(request);
    v1::EmbedResponse response;
    const grpc::Status status = Embed(request, &response);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT) << test.message;
    EXPECT_THAT(status.error_message(), HasSubstr(test.message));
  }
  EXPECT_TRUE(engine_->passes().empty());
}

TEST(MakeEmbedding, AZeroStateStaysZeroAndABadOneIsAnError) {
  EXPECT_THAT(MakeEmbedding({.logits = {0, 0}}, 2, true).values(), ElementsAre(0, 0));
  EXPECT_THAT(MakeEmbedding({.logits = {3, 4}}, 2, true).values(), ElementsAre(0.6F, 0.8F));
  EXPECT_THAT(MakeEmbedding({.logits = {1}}, 2, false).error().message(), HasSubstr("1 numbers"));
  EXPECT_THAT(MakeEmbedding({.logits = {NAN, 1}}, 2, false).error().message(),
              HasSubstr("not a finite"));
  EXPECT_EQ(
      MakeEmbedding({.status = absl::InternalError("x"), .logits = {}}, 2, true).error().message(),
      "x");
}

TEST_F(EmbedTest, TokenizeSaysIdsAndBytes) {
  Start();
  v1::TokenizeRequest request;
  request.add_inputs()->set_text("a fine day");
  request.mutable_inputs(0)->set_id("first");
  request.add_inputs()->mutable_pair()->set_first("one");
  request.mutable_inputs(1)->mutable_pair()->set_second(" two");
  request.add_inputs()->mutable_token_ids()->add_ids(7);
  v1::TokenizeResponse response;
  ASSERT_TRUE(Tokenize(request, &response).ok());
  ASSERT_EQ(response.token_ids_size(), 3);
  ASSERT_EQ(response.details_size(), 3);
  EXPECT_EQ(response.token_ids(0).ids_size(), 5);
  EXPECT_EQ(response.token_ids(0).ids(0), 1);
  EXPECT_THAT(response.token_ids(1).segment_ids(), ElementsAre(0, 0, 1, 0));
  const v1::TokenDetails& first = response.details(0);
  EXPECT_EQ(first.id(), "first");
  EXPECT_EQ(first.full_token_count(), 5);
  EXPECT_FALSE(first.truncated());
  ASSERT_EQ(first.spans_size(), 5);
  EXPECT_TRUE(first.spans(0).special());
  EXPECT_EQ(first.spans(2).begin(), 2);
  EXPECT_EQ(first.spans(2).end(), 6);
  EXPECT_EQ(response.details(1).spans(2).text(), 1);
  EXPECT_EQ(response.details(1).spans(2).begin(), 1);
  EXPECT_THAT(response.token_ids(2).ids(), ElementsAre(7));
  EXPECT_EQ(response.details(2).spans_size(), 0);
  EXPECT_TRUE(engine_->passes().empty());
}

TEST_F(EmbedTest, TokenizeCutsOrRefusesLongTexts) {
  Start();
  v1::TokenizeRequest request;
  request.add_inputs()->set_text("1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17");
  v1::TokenizeResponse response;
  ASSERT_TRUE(Tokenize(request, &response).ok());
  EXPECT_EQ(response.token_ids(0).ids_size(), 16);
  EXPECT_EQ(response.details(0).spans_size(), 16);
  EXPECT_EQ(response.details(0).full_token_count(), 19);
  EXPECT_TRUE(response.details(0).truncated());
  request.set_truncation(v1::TRUNCATION_ERROR);
  const grpc::Status refused = Tokenize(request, &response);
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(refused.error_message(), HasSubstr("inputs[0].text"));
  EXPECT_EQ(Tokenize({}, &response).error_message(), "inputs: empty; give 1 to 256");
}

}  // namespace
}  // namespace fathom
