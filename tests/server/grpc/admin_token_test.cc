#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "grpc/health/v1/health.grpc.pb.h"
#include "tests/server/grpc/admin_fixture.h"
#include "tests/support/file_testing.h"

namespace fathom {
namespace {

using ::grpc::health::v1::HealthCheckResponse;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kToken[] = "0123456789abcdefABCDEF";

class AdminTokenTest : public AdminFixture {
 protected:
  void SetUp() override { folder_ = testing::FreshFolder(); }

  std::string TokenFile(const std::string& content) const {
    const std::string path = folder_ + "/token";
    testing::WriteBytes(path, content);
    return path;
  }
  grpc::Status ClearCacheWith(const std::vector<std::string>& authorizations) {
    grpc::ClientContext context;
    for (const std::string& value : authorizations) context.AddMetadata("authorization", value);
    v1::ClearCacheResponse response;
    return admin_->ClearCache(&context, {}, &response);
  }

  std::string folder_;
};

TEST_F(AdminTokenTest, OnlyItsBearerIsServed) {
  StartWithAdmin(TokenFile(std::string(kToken) + "\n"));
  const std::string good = std::string("Bearer ") + kToken;
  std::string last_differs = good;
  last_differs.back() = 'x';
  for (const std::vector<std::string>& wrong :
       std::vector<std::vector<std::string>>{{},
                                             {kToken},
                                             {"Bearer "},
                                             {"bearer " + std::string(kToken)},
                                             {good + "x"},
                                             {good.substr(0, good.size() - 1)},
                                             {last_differs},
                                             {good, good},
                                             {"Basic " + std::string(kToken)}}) {
    const grpc::Status status = ClearCacheWith(wrong);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAUTHENTICATED);
    EXPECT_THAT(status.error_message(), Not(HasSubstr(kToken)));
  }
  EXPECT_EQ(Load("mood").error_code(), grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_EQ(engine_->cache_clears(), 0);
  EXPECT_TRUE(ClearCacheWith({good}).ok());
  EXPECT_EQ(engine_->cache_clears(), 1);

  grpc::ClientContext context;
  HealthCheckResponse health;
  EXPECT_TRUE(
      ::grpc::health::v1::Health::NewStub(AdminChannel())->Check(&context, {}, &health).ok());
  EXPECT_EQ(health.status(), HealthCheckResponse::SERVING) << "probes have no token";
  EXPECT_TRUE(Predict(Request("a fine day", "mood")).ok()) << "the clients' port asks for none";
}

TEST_F(AdminTokenTest, ABadTokenFileEndsTheStart) {
  struct Case {
    std::string content;
    const char* says;
  };
  for (const Case& test :
       {Case{"", "holds 0 characters"}, Case{"short", "16 to 4096"},
        Case{std::string(4097, 'a'), "16 to 4096"}, Case{"0123456789abcdef 0123456789", "space"},
        Case{"0123456789abcdef\n0123456789", "second line"},
        Case{"0123456789abcdef\xC3\xA9", "ASCII"}}) {
    const std::string path = TokenFile(test.content);
    const auto server =
        Server::Start(std::make_unique<FakeEngine>(), {.listen = "127.0.0.1:0",
                                                       .metrics_listen = "",
                                                       .admin_listen = "127.0.0.1:0",
                                                       .admin_token_file = path});
    EXPECT_EQ(server.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(std::string(server.status().message()),
                AllOf(HasSubstr(path), HasSubstr(test.says)));
  }
  const auto server =
      Server::Start(std::make_unique<FakeEngine>(), {.listen = "127.0.0.1:0",
                                                     .metrics_listen = "",
                                                     .admin_listen = "127.0.0.1:0",
                                                     .admin_token_file = folder_ + "/nowhere"});
  EXPECT_EQ(server.status().code(), absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace fathom
