#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fathom/v1/admin_service.grpc.pb.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "tests/server/grpc/server_fixture.h"

namespace fathom {
namespace {

using ::grpc::health::v1::HealthCheckResponse;
using ::testing::HasSubstr;

class AdminTest : public ServerTest {
 protected:
  std::shared_ptr<grpc::Channel> AdminChannel() const {
    return grpc::CreateChannel("127.0.0.1:" + std::to_string(server_->admin_port()),
                               grpc::InsecureChannelCredentials());
  }

  static grpc::Status ClearCache(const std::shared_ptr<grpc::Channel>& channel) {
    grpc::ClientContext context;
    v1::ClearCacheResponse response;
    return v1::AdminService::NewStub(channel)->ClearCache(&context, {}, &response);
  }
};

TEST_F(AdminTest, ClearCacheReachesTheEngine) {
  Start({.metrics_listen = "", .admin_listen = "127.0.0.1:0"});
  const grpc::Status status = ClearCache(AdminChannel());
  EXPECT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(engine_->cache_clears(), 1);
}

TEST_F(AdminTest, ClientsPortHasNoAdminServiceAndTheAdminPortNoOther) {
  Start({.metrics_listen = "", .admin_listen = "127.0.0.1:0"});
  EXPECT_EQ(ClearCache(channel_).error_code(), grpc::StatusCode::UNIMPLEMENTED);
  EXPECT_EQ(engine_->cache_clears(), 0);
  grpc::ClientContext context;
  v1::GetServerInfoResponse info;
  EXPECT_EQ(v1::InferenceService::NewStub(AdminChannel())
                ->GetServerInfo(&context, {}, &info)
                .error_code(),
            grpc::StatusCode::UNIMPLEMENTED);
}

TEST_F(AdminTest, ThereIsNoAdminPortUnlessAskedFor) {
  Start();
  EXPECT_EQ(server_->admin_port(), 0);
}

TEST_F(AdminTest, HealthKnowsTheAdminService) {
  Start({.metrics_listen = "", .admin_listen = "127.0.0.1:0"});
  grpc::ClientContext context;
  ::grpc::health::v1::HealthCheckRequest request;
  request.set_service("fathom.v1.AdminService");
  HealthCheckResponse response;
  ASSERT_TRUE(::grpc::health::v1::Health::NewStub(AdminChannel())
                  ->Check(&context, request, &response)
                  .ok());
  EXPECT_EQ(response.status(), HealthCheckResponse::SERVING);
}

TEST_F(AdminTest, AnAddressInUseIsAnErrorThatNamesIt) {
  Start();
  const auto taken =
      Server::Start(std::make_unique<FakeEngine>(),
                    {.listen = "127.0.0.1:0", .metrics_listen = "", .admin_listen = address()});
  EXPECT_EQ(taken.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(taken.status().message(), HasSubstr(address()));
}

}  // namespace
}  // namespace fathom
