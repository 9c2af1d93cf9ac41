// A connection to one server, and what every command does with its answers.
#pragma once

#include <google/protobuf/message.h>
#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>

#include <memory>
#include <string>
#include <vector>

#include "fathom/v1/inference_service.grpc.pb.h"
#include "server/client/commands.h"

namespace fathom {

class Connection {
 public:
  explicit Connection(const ConnectionFlags& flags);

  v1::InferenceService::Stub& stub() const { return *stub_; }
  const std::shared_ptr<grpc::Channel>& channel() const { return channel_; }

  // For one call: with the deadline.
  std::unique_ptr<grpc::ClientContext> NewContext() const;

  // All pages.
  grpc::Status ListTasks(std::vector<v1::TaskInfo>* tasks) const;

 private:
  const ConnectionFlags flags_;
  const std::shared_ptr<grpc::Channel> channel_;
  const std::unique_ptr<v1::InferenceService::Stub> stub_;
};

// Tells an error on the standard error; returns the exit code 1.
int Fail(const ConnectionFlags& flags, const grpc::Status& status);

// Returns the exit code: 1, with the reason on the standard error, for a message that has no JSON.
int PrintJson(const google::protobuf::Message& message);

}  // namespace fathom
