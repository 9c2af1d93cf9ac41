// A connection to one server, and what every command does with its answers.
#pragma once

#include <google/protobuf/message.h>
#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>

#include <memory>
#include <string>
#include <vector>

#include "fathom/v1/inference_service.grpc.pb.h"

namespace fathom {

struct ConnectionFlags {
  std::string address = "127.0.0.1:8500";
  double timeout_s = 60;   // of one call
  bool json = false;       // messages as JSON instead of a table
  std::string token_file;  // its first line is sent as a bearer token; empty: none
  std::string request_id;  // sent with every call; empty: one drawn at random
};

class Connection {
 public:
  // A --token-file that cannot be read is told on the standard error, and no token is sent: the
  // server then says what it misses.
  explicit Connection(const ConnectionFlags& flags);

  v1::InferenceService::Stub& stub() const { return *stub_; }
  const std::shared_ptr<grpc::Channel>& channel() const { return channel_; }
  const ConnectionFlags& flags() const { return flags_; }

  // For one call: with deadline, request id and token.
  std::unique_ptr<grpc::ClientContext> NewContext() const;
  // The same, with the affinity key of what is to be read (affinity.h).
  std::unique_ptr<grpc::ClientContext> NewContext(const v1::Input& first_input) const;

  // The same for a context that exists: `id_suffix` is appended to the request id.
  void Prepare(const std::string& id_suffix, double timeout_s, grpc::ClientContext& context) const;

  // All pages.
  grpc::Status ListTasks(const std::string& name_prefix, std::vector<v1::TaskInfo>* tasks) const;

  // Tells an error on the standard error, with its reason, when to try again, and the request id;
  // returns the exit code 1.
  int Fail(const grpc::Status& status) const;

 private:
  const ConnectionFlags flags_;
  const std::string request_id_;
  const std::string token_;  // empty: none
  const std::shared_ptr<grpc::Channel> channel_;
  const std::unique_ptr<v1::InferenceService::Stub> stub_;
};

// The affinity key (affinity.h) of a call whose first input this is.
void AddAffinity(const v1::Input& first_input, grpc::ClientContext& context);

// 16 hexadecimal digits, drawn at random.
std::string NewRequestId();

// Channels that are equal otherwise share a connection; those of other numbers do not.
std::shared_ptr<grpc::Channel> OpenChannel(const std::string& address, int number = 0);

// Returns the exit code: 1, with the reason on the standard error, for a message that has no JSON.
int PrintJson(const google::protobuf::Message& message);
// On one line.
int PrintJsonLine(const google::protobuf::Message& message);

}  // namespace fathom
