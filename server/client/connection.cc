#include "server/client/connection.h"

#include <google/protobuf/util/json_util.h>
#include <google/rpc/error_details.pb.h>
#include <grpcpp/create_channel.h>

#include <chrono>
#include <cmath>
#include <iostream>

#include "absl/status/status.h"
#include "server/client/table.h"

namespace fathom {
namespace {

std::shared_ptr<grpc::Channel> OpenChannel(const std::string& address) {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(-1);
  return grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments);
}

}  // namespace

Connection::Connection(const ConnectionFlags& flags)
    : flags_(flags),
      channel_(OpenChannel(flags.address)),
      stub_(v1::InferenceService::NewStub(channel_)) {}

std::unique_ptr<grpc::ClientContext> Connection::NewContext() const {
  auto context = std::make_unique<grpc::ClientContext>();
  context->set_deadline(std::chrono::system_clock::now() +
                        std::chrono::milliseconds(std::llround(flags_.timeout_s * 1000)));
  return context;
}

grpc::Status Connection::ListTasks(std::vector<v1::TaskInfo>* tasks) const {
  v1::ListTasksRequest request;
  do {
    v1::ListTasksResponse page;
    const grpc::Status status = stub_->ListTasks(NewContext().get(), request, &page);
    if (!status.ok()) return status;
    tasks->insert(tasks->end(), page.tasks().begin(), page.tasks().end());
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  return grpc::Status::OK;
}

int Fail(const ConnectionFlags& flags, const grpc::Status& status) {
  constexpr size_t kWidth = 2500;
  std::cerr << "fathom: " << flags.address << ": "
            << absl::StatusCodeToString(static_cast<absl::StatusCode>(status.error_code())) << ": "
            << OneLine(status.error_message(), kWidth) << "\n";
  return 1;
}

int PrintJson(const google::protobuf::Message& message) {
  // Linked in by name: an Any in an error is printed by what it holds.
  google::protobuf::LinkMessageReflection<google::rpc::ErrorInfo>();
  google::protobuf::util::JsonPrintOptions options;
  options.add_whitespace = true;
  options.always_print_primitive_fields = true;
  options.preserve_proto_field_names = true;
  std::string json;
  const auto status = google::protobuf::util::MessageToJsonString(message, &json, options);
  if (!status.ok()) {
    std::cerr << "fathom: no JSON of this answer: " << status.ToString() << "\n";
    return 1;
  }
  std::cout << json << "\n";
  return 0;
}

}  // namespace fathom
