// A server that answers with what a test gave it and keeps what it was asked, to see exactly what a
// client puts on the wire.
#pragma once

#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "fathom/v1/admin_service.grpc.pb.h"
#include "fathom/v1/inference_service.grpc.pb.h"

namespace fathom {

struct SeenCall {
  std::map<std::string, std::string> metadata;
  std::string message;  // its ShortDebugString
};

class RecordingServer : public v1::InferenceService::Service, public v1::AdminService::Service {
 public:
  RecordingServer() {
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port_);
    builder.RegisterService(static_cast<v1::InferenceService::Service*>(this));
    builder.RegisterService(static_cast<v1::AdminService::Service*>(this));
    server_ = builder.BuildAndStart();
  }
  ~RecordingServer() override { server_->Shutdown(); }

  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }

  std::vector<SeenCall> seen() const {
    const std::lock_guard lock(mutex_);
    return seen_;
  }

  // Answers; before the first call.
  grpc::Status status;  // of every call
  v1::EmbedResponse embed;
  v1::TokenizeResponse tokenize;
  v1::LoadTaskResponse load;
  v1::ScanTasksResponse scan;
  v1::SetDepthPolicyResponse policy;

  grpc::Status Embed(grpc::ServerContext* context, const v1::EmbedRequest* request,
                     v1::EmbedResponse* response) override {
    return Answer(*context, *request, embed, response);
  }
  grpc::Status Tokenize(grpc::ServerContext* context, const v1::TokenizeRequest* request,
                        v1::TokenizeResponse* response) override {
    return Answer(*context, *request, tokenize, response);
  }
  grpc::Status LoadTask(grpc::ServerContext* context, const v1::LoadTaskRequest* request,
                        v1::LoadTaskResponse* response) override {
    return Answer(*context, *request, load, response);
  }
  grpc::Status UnloadTask(grpc::ServerContext* context, const v1::UnloadTaskRequest* request,
                          v1::UnloadTaskResponse* response) override {
    return Answer(*context, *request, {}, response);
  }
  grpc::Status ScanTasks(grpc::ServerContext* context, const v1::ScanTasksRequest* request,
                         v1::ScanTasksResponse* response) override {
    return Answer(*context, *request, scan, response);
  }
  grpc::Status SetDefaultVersion(grpc::ServerContext* context,
                                 const v1::SetDefaultVersionRequest* request,
                                 v1::SetDefaultVersionResponse* response) override {
    return Answer(*context, *request, {}, response);
  }
  grpc::Status SetDepthPolicy(grpc::ServerContext* context,
                              const v1::SetDepthPolicyRequest* request,
                              v1::SetDepthPolicyResponse* response) override {
    return Answer(*context, *request, policy, response);
  }
  grpc::Status Drain(grpc::ServerContext* context, const v1::DrainRequest* request,
                     v1::DrainResponse* response) override {
    return Answer(*context, *request, {}, response);
  }

  // Every call is answered by a label, its text, the last call first: not in the order of asking.
  grpc::Status PredictStream(grpc::ServerContext* context,
                             grpc::ServerReaderWriter<v1::PredictStreamResponse,
                                                      v1::PredictStreamRequest>* stream) override {
    std::vector<v1::PredictStreamRequest> requests;
    for (v1::PredictStreamRequest request; stream->Read(&request);) requests.push_back(request);
    for (auto request = requests.rbegin(); request != requests.rend(); ++request) {
      Keep(*context, *request);
      v1::PredictStreamResponse response;
      response.set_request_id(request->request_id());
      const std::string& text = request->request().inputs(0).text();
      if (text == "bad") {
        response.mutable_error()->set_message("this one failed");
      } else {
        v1::TaskResult* task = response.mutable_response()->add_results()->add_tasks();
        task->set_name(request->request().tasks(0).name());
        task->mutable_classification()->set_label("label of " + text);
      }
      stream->Write(response);
    }
    return status;
  }

 private:
  template <typename Request, typename Response>
  grpc::Status Answer(const grpc::ServerContext& context, const Request& request,
                      const Response& answer, Response* response) {
    Keep(context, request);
    *response = answer;
    return status;
  }

  void Keep(const grpc::ServerContext& context, const google::protobuf::Message& request) {
    SeenCall call{.message = request.ShortDebugString()};
    for (const auto& [name, value] : context.client_metadata()) {
      call.metadata[{name.data(), name.size()}] = {value.data(), value.size()};
    }
    const std::lock_guard lock(mutex_);
    seen_.push_back(std::move(call));
  }

  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
  mutable std::mutex mutex_;
  std::vector<SeenCall> seen_;
};

}  // namespace fathom
