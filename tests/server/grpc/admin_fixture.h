// A server with an admin port, and calls to it.
#pragma once

#include <memory>
#include <string>

#include "fathom/v1/admin_service.grpc.pb.h"
#include "tests/server/grpc/server_fixture.h"

namespace fathom {

class AdminFixture : public ServerTest {
 protected:
  void StartWithAdmin(const std::string& token_file = "") {
    Start({.metrics_listen = "", .admin_listen = "127.0.0.1:0", .admin_token_file = token_file});
    admin_ = v1::AdminService::NewStub(AdminChannel());
  }

  std::shared_ptr<grpc::Channel> AdminChannel() const {
    return grpc::CreateChannel("127.0.0.1:" + std::to_string(server_->admin_port()),
                               grpc::InsecureChannelCredentials());
  }

  // Calls admin_->METHOD(request).
  template <typename Request, typename Response>
  grpc::Status Call(grpc::Status (v1::AdminService::StubInterface::*method)(grpc::ClientContext*,
                                                                            const Request&,
                                                                            Response*),
                    const Request& request, Response* response = nullptr) {
    grpc::ClientContext context;
    Response unused;
    return (*admin_.*method)(&context, request, response != nullptr ? response : &unused);
  }

  grpc::Status Load(const std::string& name, uint32_t version = 0, bool make_default = false,
                    bool validate_only = false, v1::LoadTaskResponse* response = nullptr) {
    v1::LoadTaskRequest request;
    request.set_name(name);
    request.set_version(version);
    request.set_make_default(make_default);
    request.set_validate_only(validate_only);
    return Call(&v1::AdminService::StubInterface::LoadTask, request, response);
  }
  grpc::Status Unload(const std::string& name, uint32_t version = 0) {
    v1::UnloadTaskRequest request;
    request.set_name(name);
    request.set_version(version);
    return Call(&v1::AdminService::StubInterface::UnloadTask, request);
  }
  grpc::Status SetDefault(const std::string& name, uint32_t version) {
    v1::SetDefaultVersionRequest request;
    request.set_name(name);
    request.set_version(version);
    return Call(&v1::AdminService::StubInterface::SetDefaultVersion, request);
  }

  // The version that answers a call that names none; 0: the call fails.
  uint32_t Answering(const std::string& task) {
    v1::PredictResponse response;
    if (!Predict(Request("a fine day", task), &response).ok()) return 0;
    return response.results(0).tasks(0).version();
  }

  static TaskInfo Version(const std::string& name, int version) {
    TaskInfo info = ClassificationTask(name, {"no", "yes"});
    info.version = version;
    return info;
  }

  std::unique_ptr<v1::AdminService::Stub> admin_;
};

}  // namespace fathom
