// Server: an Engine behind gRPC, with queue, metrics, administration, health and reflection.
#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "absl/status/statusor.h"
#include "runtime/depth/depth_policy.h"
#include "runtime/engine.h"
#include "server/depth/server_depth_chooser.h"
#include "server/depth/task_depth_policies.h"
#include "server/grpc/admin_service.h"
#include "server/grpc/call_log.h"
#include "server/grpc/limits.h"
#include "server/grpc/port.h"
#include "server/grpc/service.h"
#include "server/metrics/depth_metrics.h"
#include "server/metrics/endpoint.h"
#include "server/metrics/engine_metrics.h"
#include "server/metrics/metrics.h"
#include "server/schedule/scheduler.h"
#include "server/tasks/task_poller.h"

namespace fathom {

struct ServerOptions {
  std::string listen = "127.0.0.1:8500";          // HOST:PORT; port 0 takes a free one
  std::string metrics_listen = "127.0.0.1:9400";  // the same; empty: no metrics port
  std::string admin_listen = {};                  // the same; empty: no AdminService
  std::string admin_token_file = {};              // asked for there; empty: everyone may call
  int poll_tasks_seconds = 0;                     // between looks at the tasks' folder; 0: none
  RequestLimits limits = {};
  SchedulerOptions scheduler = {};
  ConnectionOptions connections = {};
  TaskDepthPolicy depth = {};  // of tasks of which the operator says nothing else
  CallLogOptions call_log = {};
  int metrics_max_tasks = 100;  // names of tasks that are labels; the rest is "other"
  std::string version = "unknown";
};

class Server {
 public:
  // Serves when it returns. INVALID_ARGUMENT: an option that cannot work; UNAVAILABLE: an address
  // that cannot be listened on.
  static absl::StatusOr<std::unique_ptr<Server>> Start(std::unique_ptr<Engine> engine,
                                                       const ServerOptions& options);

  // Drains.
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Health goes to NOT_SERVING and new calls get UNAVAILABLE; returns when every call accepted has
  // been answered. The ports stay open. Any thread; may be called more than once.
  void DrainCalls();

  // DrainCalls, and closes the ports. May be called more than once, by one thread at a time.
  void Drain();

  int port() const { return port_->number(); }
  int metrics_port() const { return metrics_endpoint_ ? metrics_endpoint_->port() : 0; }
  int admin_port() const { return admin_port_ ? admin_port_->number() : 0; }
  const Engine& engine() const { return *engine_; }
  const Metrics& metrics() const { return metrics_; }

 private:
  Server(std::unique_ptr<Engine> engine, const ServerOptions& options);

  absl::Status MakeAdminService(const std::string& token_file);

  absl::Status ServeMetrics(const std::string& address);
  absl::Status Listen(const ServerOptions& options);

  // In the order of use: what stands below uses what stands above.
  const std::unique_ptr<Engine> engine_;
  Metrics metrics_;
  const std::shared_ptr<EngineMetrics> engine_metrics_;
  TaskDepthPolicies depth_policies_;
  ServerDepthChooser depths_;
  const std::shared_ptr<DepthMetrics> depth_metrics_;
  std::unique_ptr<MetricsEndpoint> metrics_endpoint_;
  std::unique_ptr<Scheduler> scheduler_;
  std::unique_ptr<InferenceServiceImpl> service_;
  std::unique_ptr<AdminServiceImpl> admin_service_;  // null: none
  std::unique_ptr<Port> port_;
  std::unique_ptr<Port> admin_port_;    // null: none
  std::unique_ptr<TaskPoller> poller_;  // null: none
  std::mutex drain_mutex_;              // of DrainCalls
  bool closed_ = false;
};

}  // namespace fathom
