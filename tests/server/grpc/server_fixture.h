// A real gRPC server on a free port, in this process, over a FakeEngine; and a client's stub.
#pragma once

#include <google/rpc/error_details.pb.h>
#include <google/rpc/status.pb.h>
#include <grpcpp/create_channel.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

#include "fathom/v1/inference_service.grpc.pb.h"
#include "server/grpc/server.h"
#include "tests/server/fake_engine.h"

namespace fathom {

// The tasks are mood (bad, good), topic (art, law, war), likeness (regression), genres
// (multi-label: crime, drama), names (tagging: O, B, I), and broken, which was refused at load.
class ServerTest : public ::testing::Test {
 protected:
  void Start(ServerOptions options = {.metrics_listen = ""}) {
    auto engine = std::make_unique<FakeEngine>();
    engine->AddTask(ClassificationTask("mood", {"bad", "good"}));
    engine->AddTask(ClassificationTask("topic", {"art", "law", "war"}));
    engine->AddTask(RegressionTask("likeness"));
    engine->AddTask(TaskOfKind("genres", HeadKind::kMultiLabel, {"crime", "drama"}));
    engine->AddTask(TaskOfKind("names", HeadKind::kTagging, {"O", "B", "I"}));
    engine->AddTask(RefusedTask("broken", absl::DataLossError("head.weight is missing")));
    engine_ = engine.get();
    options.listen = "127.0.0.1:0";
    options.version = "1.2.3";
    auto server = Server::Start(std::move(engine), options);
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
    channel_ = grpc::CreateChannel(address(), grpc::InsecureChannelCredentials());
    stub_ = v1::InferenceService::NewStub(channel_);
  }

  std::string address() const { return "127.0.0.1:" + std::to_string(server_->port()); }

  static v1::PredictRequest Request(const std::string& text, const std::string& task) {
    v1::PredictRequest request;
    request.add_inputs()->set_text(text);
    request.add_tasks()->set_name(task);
    return request;
  }

  grpc::Status Predict(const v1::PredictRequest& request, v1::PredictResponse* response) {
    grpc::ClientContext context;
    return stub_->Predict(&context, request, response);
  }
  grpc::Status Predict(const v1::PredictRequest& request) {
    v1::PredictResponse response;
    return Predict(request, &response);
  }

  // The detail of this type in the status; its default if there is none.
  template <typename Detail>
  static Detail DetailOf(const grpc::Status& status) {
    google::rpc::Status rpc;
    Detail detail;
    rpc.ParseFromString(status.error_details());
    for (const auto& any : rpc.details()) {
      if (any.Is<Detail>()) any.UnpackTo(&detail);
    }
    return detail;
  }

  FakeEngine* engine_ = nullptr;  // the server's
  std::unique_ptr<Server> server_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::InferenceService::Stub> stub_;
};

}  // namespace fathom
