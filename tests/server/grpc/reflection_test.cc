// What reflection can describe. In a program of its own: a test that includes a service's generated
// header links its description in, and so would hide that the server does not.
#include <google/protobuf/descriptor.h>
#include <gtest/gtest.h>

#include "server/grpc/server.h"
#include "tests/server/fake_engine.h"

namespace fathom {
namespace {

TEST(Reflection, DescribesEveryServiceOfTheServer) {
  const auto server = Server::Start(std::make_unique<FakeEngine>(),
                                    {.listen = "127.0.0.1:0", .metrics_listen = ""});
  ASSERT_TRUE(server.ok()) << server.status();
  for (const char* service :
       {"fathom.v1.AdminService", "fathom.v1.InferenceService", "grpc.health.v1.Health"}) {
    EXPECT_NE(google::protobuf::DescriptorPool::generated_pool()->FindServiceByName(service),
              nullptr)
        << service;
  }
}

}  // namespace
}  // namespace fathom
