#include "server/grpc/server.h"

#include <chrono>
#include <utility>

namespace fathom {
namespace {

// For answers that are written already to reach their clients.
constexpr std::chrono::seconds kShutdownGrace{5};

}  // namespace

Server::Server(std::unique_ptr<Engine> engine, const ServerOptions& options)
    : engine_(std::move(engine)),
      metrics_({.version = options.version,
                .max_tasks = options.metrics_max_tasks,
                .limits = options.scheduler,
                .concurrency = engine_->concurrency()},
               engine_->encoder(), engine_->ListTasks()),
      engine_metrics_(std::make_shared<EngineMetrics>(engine_.get())),
      depth_policies_(options.depth),
      depths_(engine_.get(), &depth_policies_),
      depth_metrics_(
          std::make_shared<DepthMetrics>(&depths_, engine_.get(), &metrics_.task_labels())) {}

Server::~Server() { Drain(); }

absl::StatusOr<std::unique_ptr<Server>> Server::Start(std::unique_ptr<Engine> engine,
                                                      const ServerOptions& options) {
  std::unique_ptr<Server> server(new Server(std::move(engine), options));
  auto scheduler = Scheduler::Create(server->engine_.get(), options.scheduler, &server->metrics_,
                                     &server->depths_);
  if (!scheduler.ok()) return scheduler.status();
  server->scheduler_ = *std::move(scheduler);
  const absl::Status measured = server->ServeMetrics(options.metrics_listen);
  if (!measured.ok()) return measured;
  const PredictDeps deps{.engine = server->engine_.get(),
                         .scheduler = server->scheduler_.get(),
                         .policies = &server->depth_policies_,
                         .limits = options.limits};
  server->service_ = std::make_unique<InferenceServiceImpl>(deps, &server->metrics_,
                                                            options.call_log, options.version);
  if (!options.admin_listen.empty()) {
    const absl::Status made = server->MakeAdminService(options.admin_token_file);
    if (!made.ok()) return made;
  }
  const absl::Status listening = server->Listen(options);
  if (!listening.ok()) return listening;
  if (options.poll_tasks_seconds > 0) {
    server->poller_ = std::make_unique<TaskPoller>(
        server->engine_.get(), std::chrono::seconds(options.poll_tasks_seconds));
  }
  return server;
}

absl::Status Server::ServeMetrics(const std::string& address) {
  if (address.empty()) return absl::OkStatus();
  auto endpoint =
      MetricsEndpoint::Start(address, {metrics_.registry(), engine_metrics_, depth_metrics_});
  if (!endpoint.ok()) return endpoint.status();
  metrics_endpoint_ = *std::move(endpoint);
  return absl::OkStatus();
}

absl::Status Server::MakeAdminService(const std::string& token_file) {
  AdminDeps deps{
      .engine = engine_.get(), .policies = &depth_policies_, .depths = &depths_, .drain = [this] {
        DrainCalls();
      }};
  if (!token_file.empty()) {
    auto token = BearerToken::FromFile(token_file);
    if (!token.ok()) return token.status();
    deps.token = *std::move(token);
  }
  admin_service_ = std::make_unique<AdminServiceImpl>(std::move(deps));
  return absl::OkStatus();
}

absl::Status Server::Listen(const ServerOptions& options) {
  const int max_message_bytes = options.limits.max_message_bytes;
  // The admin port is last, and its calls to drain wait until it stands in its place.
  const std::lock_guard lock(drain_mutex_);
  auto port = Port::Open(options.listen, service_.get(), v1::InferenceService::service_full_name(),
                         max_message_bytes, options.connections);
  if (!port.ok()) return port.status();
  port_ = *std::move(port);
  if (admin_service_ == nullptr) return absl::OkStatus();
  auto admin = Port::Open(options.admin_listen, admin_service_.get(),
                          v1::AdminService::service_full_name(), max_message_bytes);
  if (!admin.ok()) return admin.status();
  admin_port_ = *std::move(admin);
  return absl::OkStatus();
}

void Server::DrainCalls() {
  const std::lock_guard lock(drain_mutex_);
  port_->SetNotServing();
  if (admin_port_ != nullptr) admin_port_->SetNotServing();
  scheduler_->Drain();
}

void Server::Drain() {
  if (port_ == nullptr || closed_) return;
  closed_ = true;
  poller_.reset();
  DrainCalls();
  port_->Close(kShutdownGrace);
  if (admin_port_ != nullptr) admin_port_->Close(kShutdownGrace);
}

}  // namespace fathom
