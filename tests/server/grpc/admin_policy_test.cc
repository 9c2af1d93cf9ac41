// SetDepthPolicy, by a service of its own on a port of its own.
#include <gmock/gmock.h>
#include <grpcpp/create_channel.h>
#include <gtest/gtest.h>

#include <cmath>

#include "server/grpc/admin_service.h"
#include "server/grpc/port.h"
#include "tests/server/grpc/admin_fixture.h"

namespace fathom {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class AdminPolicyTest : public AdminFixture {
 protected:
  AdminPolicyTest() {
    service_engine_.AddTask(ClassificationTask("mood", {"bad", "good"}));
    service_engine_.AddTask(RefusedTask("broken", absl::DataLossError("torn")));
    port_ = *Port::Open("127.0.0.1:0", &service_, v1::AdminService::service_full_name(), 1 << 20);
    admin_ = v1::AdminService::NewStub(grpc::CreateChannel(
        "127.0.0.1:" + std::to_string(port_->number()), grpc::InsecureChannelCredentials()));
  }
  ~AdminPolicyTest() override { port_->Close(std::chrono::seconds(0)); }

  grpc::Status Set(const v1::SetDepthPolicyRequest& request,
                   v1::SetDepthPolicyResponse* response = nullptr) {
    return Call(&v1::AdminService::StubInterface::SetDepthPolicy, request, response);
  }

  FakeEngine service_engine_;
  TaskDepthPolicies policies_{{.quality_floor = 0.5, .shadow_ratio = 0.25}};
  ServerDepthChooser depths_{&service_engine_, &policies_};
  AdminServiceImpl service_{AdminDeps{
      .engine = &service_engine_, .policies = &policies_, .depths = &depths_, .drain = [] {}}};
  std::unique_ptr<Port> port_;
};

TEST_F(AdminPolicyTest, SetsWhatIsGivenAndAnswersAll) {
  v1::SetDepthPolicyRequest request;
  request.set_task("mood");
  request.set_quality_floor(0.75);
  request.set_brownout(true);
  v1::SetDepthPolicyResponse response;
  const grpc::Status status = Set(request, &response);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(policies_.Get("mood").quality_floor, 0.75);
  EXPECT_EQ(response.policy().task(), "mood");
  EXPECT_EQ(response.policy().quality_floor(), 0.75);
  EXPECT_TRUE(response.policy().has_default_skip_layers());
  EXPECT_EQ(response.policy().default_skip_layers(), 0u);
  EXPECT_TRUE(response.policy().brownout());
  EXPECT_EQ(response.policy().shadow_ratio(), 0.25);
  v1::SetDepthPolicyRequest zero;
  zero.set_task("mood");
  zero.set_quality_floor(0);
  zero.set_brownout(false);
  zero.set_default_skip_layers(11);
  ASSERT_TRUE(Set(zero, &response).ok());
  EXPECT_EQ(response.policy().quality_floor(), 0);
  EXPECT_FALSE(response.policy().brownout());
  EXPECT_EQ(response.policy().default_skip_layers(), 11u);
}

TEST_F(AdminPolicyTest, RefusesWhatCannotBe) {
  struct Case {
    const char* field;
    void (*set)(v1::SetDepthPolicyRequest&);
    const char* says;
  };
  const Case cases[] = {
      {"quality_floor", [](auto& r) { r.set_quality_floor(1.5F); }, "1.5 is out of range"},
      {"quality_floor", [](auto& r) { r.set_quality_floor(-0.5F); }, "it is 0 to 1"},
      {"quality_floor", [](auto& r) { r.set_quality_floor(NAN); }, "nan"},
      {"shadow_ratio", [](auto& r) { r.set_shadow_ratio(INFINITY); }, "inf"},
      {"default_skip_layers", [](auto& r) { r.set_default_skip_layers(13); }, "0 to 12"},
      {"default_skip_layers", [](auto& r) { r.set_default_skip_layers(~0U); }, "4294967295"},
  };
  for (const Case& test : cases) {
    v1::SetDepthPolicyRequest request;
    request.set_task("mood");
    test.set(request);
    const grpc::Status status = Set(request);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT) << test.field;
    EXPECT_THAT(status.error_message(), AllOf(HasSubstr(test.field), HasSubstr(test.says)));
  }
  v1::SetDepthPolicyRequest request;
  request.set_task("weather");
  EXPECT_EQ(Set(request).error_code(), grpc::StatusCode::NOT_FOUND);
  request.set_task("broken");
  EXPECT_EQ(Set(request).error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  request.set_task("mood");
  request.set_default_skip_layers(12);
  EXPECT_THAT(Set(request).error_message(), HasSubstr("was trained for, 0 to 11"));
  EXPECT_EQ(policies_.Get("mood").quality_floor, 0.5) << "nothing has changed";
}

}  // namespace
}  // namespace fathom
