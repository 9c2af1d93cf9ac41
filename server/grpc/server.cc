#include "server/grpc/server.h"

#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/server_builder.h>

#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"
#include "grpc/health/v1/health.pb.h"

namespace fathom {
namespace {

// For answers that are written already to reach their clients.
constexpr std::chrono::seconds kShutdownGrace{5};

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

}  // namespace

Server::Server(std::unique_ptr<Engine> engine, const ServerOptions& options)
    : engine_(std::move(engine)),
      metrics_(options.version, engine_->encoder(), engine_->ListTasks()) {}

Server::~Server() { Drain(); }

absl::StatusOr<std::unique_ptr<Server>> Server::Start(std::unique_ptr<Engine> engine,
                                                      const ServerOptions& options) {
  std::unique_ptr<Server> server(new Server(std::move(engine), options));
  auto scheduler = Scheduler::Create(server->engine_.get(), options.scheduler, &server->metrics_);
  if (!scheduler.ok()) return scheduler.status();
  server->scheduler_ = *std::move(scheduler);
  if (!options.metrics_listen.empty()) {
    auto endpoint = MetricsEndpoint::Start(options.metrics_listen, server->metrics_.registry());
    if (!endpoint.ok()) return endpoint.status();
    server->metrics_endpoint_ = *std::move(endpoint);
  }
  const PredictDeps deps{.engine = server->engine_.get(),
                         .scheduler = server->scheduler_.get(),
                         .limits = options.limits};
  server->service_ =
      std::make_unique<InferenceServiceImpl>(deps, &server->metrics_, options.version);
  const absl::Status listening = server->Listen(options);
  if (!listening.ok()) return listening;
  return server;
}

absl::Status Server::Listen(const ServerOptions& options) {
  EnablePlugins();
  grpc::ServerBuilder builder;
  builder.AddListeningPort(options.listen, grpc::InsecureServerCredentials(), &port_);
  // A second server on the same port must fail, not take half of the calls.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.SetMaxReceiveMessageSize(options.limits.max_message_bytes);
  builder.RegisterService(service_.get());
  grpc_server_ = builder.BuildAndStart();
  if (grpc_server_ == nullptr || port_ == 0) {
    return absl::UnavailableError(
        absl::StrCat("cannot listen on ", options.listen, "; is the port in use?"));
  }
  grpc::HealthCheckServiceInterface* health = grpc_server_->GetHealthCheckService();
  health->SetServingStatus(v1::InferenceService::service_full_name(), true);
  health->SetServingStatus("", true);
  return absl::OkStatus();
}

void Server::Drain() {
  if (grpc_server_ == nullptr) return;
  grpc_server_->GetHealthCheckService()->SetServingStatus(false);
  scheduler_->Drain();
  grpc_server_->Shutdown(std::chrono::system_clock::now() + kShutdownGrace);
  grpc_server_->Wait();
  grpc_server_ = nullptr;
}

}  // namespace fathom
