#include "server/client/connection.h"

#include <google/protobuf/util/json_util.h>
#include <google/rpc/error_details.pb.h>
#include <grpcpp/create_channel.h>

#include <chrono>
#include <cmath>
#include <fstream>
#include <iostream>
#include <random>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "server/client/affinity.h"
#include "server/client/refusal.h"
#include "server/client/table.h"

namespace fathom {
namespace {

std::string ReadToken(const std::string& path) {
  if (path.empty()) return "";
  std::ifstream file(path);
  std::string token;
  std::getline(file, token);
  while (!token.empty() && (token.back() == '\r' || token.back() == ' ')) token.pop_back();
  if (token.empty()) std::cerr << "fathom: no token in --token-file " << path << "\n";
  return token;
}

int PrintJsonAs(const google::protobuf::Message& message, bool add_whitespace) {
  // Linked in by name: an Any in an error is printed by what it holds.
  google::protobuf::LinkMessageReflection<google::rpc::ErrorInfo>();
  google::protobuf::util::JsonPrintOptions options;
  options.add_whitespace = add_whitespace;
  options.always_print_primitive_fields = true;
  options.preserve_proto_field_names = true;
  std::string json;
  const auto status = google::protobuf::util::MessageToJsonString(message, &json, options);
  if (!status.ok()) {
    std::cerr << "fathom: no JSON of this answer: " << status.ToString() << "\n";
    return 1;
  }
  std::cout << json << std::endl;
  return 0;
}

}  // namespace

std::string NewRequestId() {
  std::random_device random;
  return absl::StrFormat("%08x%08x", random(), random());
}

std::shared_ptr<grpc::Channel> OpenChannel(const std::string& address, int number) {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(-1);
  arguments.SetInt("fathom.channel", number);
  return grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments);
}

Connection::Connection(const ConnectionFlags& flags)
    : flags_(flags),
      request_id_(flags.request_id.empty() ? NewRequestId() : flags.request_id),
      token_(ReadToken(flags.token_file)),
      channel_(OpenChannel(flags.address)),
      stub_(v1::InferenceService::NewStub(channel_)) {}

std::unique_ptr<grpc::ClientContext> Connection::NewContext() const {
  auto context = std::make_unique<grpc::ClientContext>();
  Prepare("", flags_.timeout_s, *context);
  return context;
}

std::unique_ptr<grpc::ClientContext> Connection::NewContext(const v1::Input& first_input) const {
  std::unique_ptr<grpc::ClientContext> context = NewContext();
  AddAffinity(first_input, *context);
  return context;
}

void Connection::Prepare(const std::string& id_suffix, double timeout_s,
                         grpc::ClientContext& context) const {
  context.set_deadline(std::chrono::system_clock::now() +
                       std::chrono::microseconds(std::llround(timeout_s * 1e6)));
  context.AddMetadata("x-request-id", absl::StrCat(request_id_, id_suffix));
  if (!token_.empty()) context.AddMetadata("authorization", absl::StrCat("Bearer ", token_));
}

void AddAffinity(const v1::Input& first_input, grpc::ClientContext& context) {
  context.AddMetadata(kAffinityHeader, AffinityKey(first_input));
}

grpc::Status Connection::ListTasks(const std::string& name_prefix,
                                   std::vector<v1::TaskInfo>* tasks) const {
  v1::ListTasksRequest request;
  request.set_name_prefix(name_prefix);
  do {
    v1::ListTasksResponse page;
    const grpc::Status status = stub_->ListTasks(NewContext().get(), request, &page);
    if (!status.ok()) return status;
    tasks->insert(tasks->end(), page.tasks().begin(), page.tasks().end());
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  return grpc::Status::OK;
}

int Connection::Fail(const grpc::Status& status) const {
  constexpr size_t kWidth = 2500;
  constexpr size_t kReasonWidth = 100;
  const Refusal refusal = ExplainStatus(status);
  std::cerr << "fathom: " << flags_.address << ": "
            << absl::StatusCodeToString(static_cast<absl::StatusCode>(status.error_code())) << ": "
            << OneLine(status.error_message(), kWidth);
  if (!refusal.reason.empty()) std::cerr << " [" << OneLine(refusal.reason, kReasonWidth) << "]";
  if (refusal.retry_ms > 0) std::cerr << "; try again in " << refusal.retry_ms << " ms";
  std::cerr << " (request " << OneLine(request_id_, kReasonWidth) << ")\n";
  return 1;
}

int PrintJson(const google::protobuf::Message& message) { return PrintJsonAs(message, true); }

int PrintJsonLine(const google::protobuf::Message& message) { return PrintJsonAs(message, false); }

}  // namespace fathom
