#include "server/grpc/call_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/spdlog.h>

#include <nlohmann/json.hpp>

#include "server/log.h"
#include "tests/server/grpc/server_fixture.h"

namespace fathom {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

std::string IdOf(const std::string& sent) {
  return RequestIdOf({{grpc::string_ref("x-request-id"), grpc::string_ref(sent)}});
}

TEST(RequestId, IsTheClientsIfItIsFitToBePrinted) {
  EXPECT_EQ(IdOf("abc-7/é" + std::string()).size(), 32U);
  EXPECT_EQ(IdOf("abc-7"), "abc-7");
  EXPECT_EQ(IdOf(std::string(128, 'a')), std::string(128, 'a'));
  for (const std::string& unfit : {std::string(), std::string(129, 'a'), std::string("a b"),
                                   std::string("a\nb"), std::string("a\0b", 3)}) {
    EXPECT_EQ(IdOf(unfit).size(), 32U);
    EXPECT_NE(IdOf(unfit), unfit);
  }
}

TEST(RequestId, IsMadeWhereTheClientSendsNone) { EXPECT_NE(RequestIdOf({}), RequestIdOf({})); }

TEST(RequestId, OfARequestInAStreamIsBoth) {
  EXPECT_EQ(RequestIdInStream("abc", "7"), "abc/7");
  EXPECT_EQ(RequestIdInStream("abc", ""), "abc");
  EXPECT_EQ(RequestIdInStream("abc", "a\nb"), "abc");
}

TEST(LevelOfCall, SaysWhoseFaultItIs) {
  using absl::StatusCode;
  EXPECT_EQ(LevelOfCall(StatusCode::kOk, false), std::nullopt);
  EXPECT_EQ(LevelOfCall(StatusCode::kOk, true), spdlog::level::warn);
  EXPECT_EQ(LevelOfCall(StatusCode::kInternal, true), spdlog::level::err);
  EXPECT_EQ(LevelOfCall(StatusCode::kInvalidArgument, false), spdlog::level::info);
  EXPECT_EQ(LevelOfCall(StatusCode::kNotFound, false), spdlog::level::info);
  EXPECT_EQ(LevelOfCall(StatusCode::kResourceExhausted, false), spdlog::level::debug);
  EXPECT_EQ(LevelOfCall(StatusCode::kDeadlineExceeded, true), spdlog::level::warn);
}

class CallLogTest : public ServerTest {
 protected:
  template <typename Function>
  std::string LogOf(const Function& function) {
    testing::internal::CaptureStderr();
    InitLog({.format = "json", .level = "info"});
    function();
    spdlog::default_logger()->flush();
    return testing::internal::GetCapturedStderr();
  }

  // The id in the answer's trailers.
  std::string PredictWithId(const v1::PredictRequest& request, const std::string& id) {
    grpc::ClientContext context;
    if (!id.empty()) context.AddMetadata("x-request-id", id);
    v1::PredictResponse response;
    stub_->Predict(&context, request, &response);
    const auto& trailers = context.GetServerTrailingMetadata();
    const auto it = trailers.find("x-request-id");
    return it == trailers.end() ? "" : std::string(it->second.data(), it->second.size());
  }
};

TEST_F(CallLogTest, AFailedCallIsOneLineWithItsIdAndNoText) {
  Start();
  auto request = Request("a secret text", "no such task");
  std::string id;
  const std::string line = LogOf([&] { id = PredictWithId(request, ""); });
  EXPECT_EQ(id.size(), 32U);
  const auto json = nlohmann::json::parse(line);
  EXPECT_EQ(json["message"], "failed call");
  EXPECT_EQ(json["request_id"], id);
  EXPECT_EQ(json["method"], "Predict");
  EXPECT_EQ(json["code"], "NOT_FOUND");
  EXPECT_EQ(json["tasks"], 1);
  EXPECT_GT(json["total_ms"], 0);
  EXPECT_THAT(line, Not(HasSubstr("secret")));
}

TEST_F(CallLogTest, ACallThatWentWellIsNotLogged) {
  Start();
  EXPECT_THAT(LogOf([&] { PredictWithId(Request("a text", "mood"), "abc"); }), IsEmpty());
}

TEST_F(CallLogTest, ASlowCallIsLoggedWithItsStages) {
  Start({.metrics_listen = "", .call_log = {.slow_call_ms = 1e-6}});
  const std::string line = LogOf([&] { PredictWithId(Request("secret", "mood"), "abc-7"); });
  EXPECT_THAT(line, AllOf(HasSubstr(R"("message":"slow call","request_id":"abc-7")"),
                          HasSubstr("queue_ms"), HasSubstr("compute_ms"), Not(HasSubstr("error")),
                          Not(HasSubstr("secret")), Not(HasSubstr("good"))));
}

}  // namespace
}  // namespace fathom
