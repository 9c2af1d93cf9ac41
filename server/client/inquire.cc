// `fathom tasks`, `fathom info` and `fathom health`.
#include <iostream>
#include <memory>

#include "grpc/health/v1/health.grpc.pb.h"
#include "server/client/commands.h"
#include "server/client/flags.h"
#include "server/client/server_report.h"

namespace fathom {
namespace {

int RunTasks(const ConnectionFlags& flags, const std::string& prefix) {
  const Connection connection(flags);
  std::vector<v1::TaskInfo> tasks;
  const grpc::Status status = connection.ListTasks(prefix, &tasks);
  if (!status.ok()) return connection.Fail(status);
  if (flags.json) {
    v1::ListTasksResponse all;
    all.mutable_tasks()->Add(tasks.begin(), tasks.end());
    return PrintJson(all);
  }
  std::cout << TasksReport(tasks);
  return 0;
}

int RunInfo(const ConnectionFlags& flags) {
  const Connection connection(flags);
  v1::GetServerInfoResponse info;
  const grpc::Status status =
      connection.stub().GetServerInfo(connection.NewContext().get(), {}, &info);
  if (!status.ok()) return connection.Fail(status);
  if (flags.json) return PrintJson(info);
  std::cout << InfoReport(info);
  return 0;
}

int RunHealth(const ConnectionFlags& flags, const std::string& service) {
  using grpc::health::v1::HealthCheckResponse;
  const Connection connection(flags);
  grpc::health::v1::HealthCheckRequest request;
  request.set_service(service);
  HealthCheckResponse response;
  const grpc::Status status = grpc::health::v1::Health::NewStub(connection.channel())
                                  ->Check(connection.NewContext().get(), request, &response);
  if (!status.ok()) return connection.Fail(status);
  if (flags.json) {
    PrintJson(response);
  } else {
    std::cout << HealthCheckResponse::ServingStatus_Name(response.status()) << "\n";
  }
  return response.status() == HealthCheckResponse::SERVING ? 0 : 1;
}

struct Flags {
  ConnectionFlags connection;
  std::string prefix;
  std::string service;
};

}  // namespace

void AddTasksCommand(CLI::App& app, Chosen& chosen) {
  const auto flags = std::make_shared<Flags>();
  CLI::App& command = *app.add_subcommand("tasks", "list the tasks, also those refused at load");
  AddConnectionFlags(command, flags->connection);
  command.add_option("--prefix", flags->prefix, "only tasks whose name starts with it");
  command.callback([flags, &chosen] {
    chosen = [flags] { return RunTasks(flags->connection, flags->prefix); };
  });
}

void AddInfoCommand(CLI::App& app, Chosen& chosen) {
  const auto flags = std::make_shared<Flags>();
  CLI::App& command = *app.add_subcommand("info", "tell what the server is");
  AddConnectionFlags(command, flags->connection);
  command.callback([flags, &chosen] { chosen = [flags] { return RunInfo(flags->connection); }; });
}

void AddHealthCommand(CLI::App& app, Chosen& chosen) {
  const auto flags = std::make_shared<Flags>();
  CLI::App& command = *app.add_subcommand("health", "exit with 0 if the server is serving");
  AddConnectionFlags(command, flags->connection);
  command.add_option("--service", flags->service,
                     "such as fathom.v1.InferenceService; else the whole server");
  command.callback([flags, &chosen] {
    chosen = [flags] { return RunHealth(flags->connection, flags->service); };
  });
}

}  // namespace fathom
