#include "server/client/commands.h"

#include <iostream>

#include "fathom/v1/admin_service.grpc.pb.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "server/client/connection.h"
#include "server/client/report.h"

namespace fathom {

int RunTasks(const ConnectionFlags& flags) {
  std::vector<v1::TaskInfo> tasks;
  const grpc::Status status = Connection(flags).ListTasks(&tasks);
  if (!status.ok()) return Fail(flags, status);
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
  if (!status.ok()) return Fail(flags, status);
  if (flags.json) return PrintJson(info);
  std::cout << InfoReport(info);
  return 0;
}

int RunHealth(const ConnectionFlags& flags) {
  using grpc::health::v1::HealthCheckResponse;
  const Connection connection(flags);
  HealthCheckResponse response;
  const grpc::Status status = grpc::health::v1::Health::NewStub(connection.channel())
                                  ->Check(connection.NewContext().get(), {}, &response);
  if (!status.ok()) return Fail(flags, status);
  if (flags.json) {
    PrintJson(response);
  } else {
    std::cout << HealthCheckResponse::ServingStatus_Name(response.status()) << "\n";
  }
  return response.status() == HealthCheckResponse::SERVING ? 0 : 1;
}

int RunClearCache(const ConnectionFlags& flags) {
  const Connection connection(flags);
  v1::ClearCacheResponse response;
  const grpc::Status status = v1::AdminService::NewStub(connection.channel())
                                  ->ClearCache(connection.NewContext().get(), {}, &response);
  if (!status.ok()) return Fail(flags, status);
  if (flags.json) return PrintJson(response);
  std::cout << "caches cleared\n";
  return 0;
}

}  // namespace fathom
