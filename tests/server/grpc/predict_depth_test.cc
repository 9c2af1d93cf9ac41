// How a call says its depth, and what its answer says of it, over a real connection.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/server/grpc/server_fixture.h"

namespace fathom {
namespace {

using ::testing::HasSubstr;

class PredictDepthTest : public ServerTest {
 protected:
  using Pairs = std::vector<std::pair<std::string, std::string>>;

  grpc::Status PredictWith(const Pairs& metadata, const v1::PredictRequest& request,
                           v1::PredictResponse* response) {
    grpc::ClientContext context;
    for (const auto& [key, value] : metadata) context.AddMetadata(key, value);
    return stub_->Predict(&context, request, response);
  }
};

TEST_F(PredictDepthTest, MetadataStandsInForARequestWithoutADepth) {
  Start();
  v1::PredictRequest request = Request("a fine day", "mood");
  v1::PredictResponse response;
  ASSERT_TRUE(PredictWith({{"x-fathom-skip-layers", "7"}}, request, &response).ok());
  EXPECT_EQ(response.results(0).tasks(0).depth().skip_layers(), 7);
  EXPECT_EQ(response.results(0).tasks(0).depth().reason(), v1::DEPTH_REASON_EXACT);

  request.mutable_tasks(0)->mutable_depth()->set_skip_layers(2);
  request.add_tasks()->set_name("topic");
  ASSERT_TRUE(PredictWith({{"x-fathom-skip-layers", "7"}}, request, &response).ok());
  EXPECT_EQ(response.results(0).tasks(0).depth().skip_layers(), 2);
  EXPECT_EQ(response.results(0).tasks(1).depth().skip_layers(), 7);

  request.mutable_depth()->set_skip_layers(4);
  ASSERT_TRUE(PredictWith({{"x-fathom-skip-layers", "7"}}, request, &response).ok());
  EXPECT_EQ(response.results(0).tasks(1).depth().skip_layers(), 4);
}

TEST_F(PredictDepthTest, ABadValueInTheMetadataNamesItsKey) {
  Start();
  const v1::PredictRequest request = Request("a fine day", "mood");
  v1::PredictResponse response;
  const std::pair<std::string, std::string> cases[] = {{"x-fathom-skip-layers", "99"},
                                                       {"x-fathom-skip-layers", "five"},
                                                       {"x-fathom-latency-budget-ms", "-1"},
                                                       {"x-fathom-min-quality", "2"},
                                                       {"x-fathom-quality-floor", "nan"}};
  for (const auto& pair : cases) {
    const grpc::Status status = PredictWith({pair}, request, &response);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT) << pair.second;
    EXPECT_THAT(status.error_message(), HasSubstr(pair.first + ":"));
    const auto info = DetailOf<google::rpc::ErrorInfo>(status);
    EXPECT_EQ(info.metadata().at("field"), pair.first);
  }
  EXPECT_TRUE(engine_->passes().empty());
}

TEST_F(PredictDepthTest, ABudgetIsAnsweredByWhatHappened) {
  Start();
  v1::PredictRequest request = Request("a fine day", "mood");
  request.mutable_depth()->mutable_latency_budget()->set_seconds(3600);
  request.add_tasks()->set_name("topic");
  request.mutable_tasks(1)->mutable_depth()->mutable_latency_budget()->set_nanos(1);
  request.add_tasks()->set_name("likeness");
  request.mutable_tasks(2)->mutable_depth()->set_skip_layers(0);
  v1::PredictResponse response;
  const grpc::Status status = Predict(request, &response);
  ASSERT_TRUE(status.ok()) << status.error_message();
  const auto& tasks = response.results(0).tasks();
  EXPECT_TRUE(tasks[0].depth().budget_met());
  ASSERT_TRUE(tasks[1].depth().has_budget_met());
  EXPECT_FALSE(tasks[1].depth().budget_met());
  EXPECT_FALSE(tasks[2].depth().has_budget_met());
}

TEST_F(PredictDepthTest, AQualityThatIsNotKnownIsRefusedAtOnce) {
  Start();
  v1::PredictRequest request = Request("a fine day", "likeness");
  request.mutable_depth()->set_min_quality(0.9F);
  const grpc::Status status = Predict(request);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_THAT(status.error_message(), HasSubstr("task 'likeness' has no depth profile"));
  EXPECT_TRUE(engine_->passes().empty());
}

}  // namespace
}  // namespace fathom
