#include "server/grpc/port.h"

#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/server_builder.h>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "grpc/health/v1/health.pb.h"

namespace fathom {
namespace {

// Both are switches of the whole process that the builder reads.
void EnablePlugins() {
  static const bool once = [] {
    grpc::EnableDefaultHealthCheckService(true);
    grpc::reflection::InitProtoReflectionServerBuilderPlugin();
    // gRPC serves health without its description; naming ours links it in for reflection to show.
    grpc::health::v1::HealthCheckRequest::descriptor();
    return true;
  }();
  static_cast<void>(once);
}

void SetConnections(const ConnectionOptions& options, grpc::ServerBuilder& builder) {
  constexpr int kMsPerSecond = 1000;
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, options.keepalive_seconds * kMsPerSecond);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS,
                             options.keepalive_timeout_seconds * kMsPerSecond);
  if (options.max_age_seconds > 0) {
    builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_AGE_MS,
                               options.max_age_seconds * kMsPerSecond);
  }
}

}  // namespace

absl::StatusOr<std::unique_ptr<Port>> Port::Open(const std::string& address, grpc::Service* service,
                                                 const std::string& service_name,
                                                 int max_message_bytes,
                                                 const ConnectionOptions& connections) {
  EnablePlugins();
  std::unique_ptr<Port> port(new Port());
  grpc::ServerBuilder builder;
  builder.AddListeningPort(address, grpc::InsecureServerCredentials(), &port->number_);
  // A second server on the same port must fail, not take half of the calls.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  SetConnections(connections, builder);
  builder.SetMaxReceiveMessageSize(max_message_bytes);
  builder.RegisterService(service);
  port->server_ = builder.BuildAndStart();
  if (port->server_ == nullptr || port->number_ == 0) {
    return absl::UnavailableError(
        absl::StrCat("cannot listen on ", address, "; is the port in use?"));
  }
  grpc::HealthCheckServiceInterface* health = port->server_->GetHealthCheckService();
  health->SetServingStatus(service_name, true);
  health->SetServingStatus("", true);
  return port;
}

void Port::SetNotServing() { server_->GetHealthCheckService()->SetServingStatus(false); }

void Port::Close(std::chrono::seconds grace) {
  server_->Shutdown(std::chrono::system_clock::now() + grace);
  server_->Wait();
}

}  // namespace fathom
