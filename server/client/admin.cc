// `fathom admin`: load, unload, scan, set-default, depth-policy, clear-cache, drain.
#include <iostream>
#include <memory>

#include "absl/strings/str_cat.h"
#include "fathom/v1/admin_service.grpc.pb.h"
#include "server/client/commands.h"
#include "server/client/flags.h"
#include "server/client/server_report.h"

namespace fathom {
namespace {

using Stub = v1::AdminService::Stub;

template <typename Request, typename Response>
using Method = grpc::Status (Stub::*)(grpc::ClientContext*, const Request&, Response*);

// Makes the call; shows the answer as JSON, or as `show` makes it.
template <typename Request, typename Response>
int Call(const ConnectionFlags& flags, Method<Request, Response> method, const Request& request,
         const std::function<std::string(const Response&)>& show) {
  const Connection connection(flags);
  const auto stub = v1::AdminService::NewStub(connection.channel());
  Response response;
  const grpc::Status status =
      (stub.get()->*method)(connection.NewContext().get(), request, &response);
  if (!status.ok()) return connection.Fail(status);
  if (flags.json) return PrintJson(response);
  std::cout << show(response);
  return 0;
}

// A sub-command whose flags fill `request`, which `add_flags` binds.
template <typename Request, typename Response>
void AddCall(CLI::App& admin, Chosen& chosen, const char* name, const char* what,
             Method<Request, Response> method,
             const std::function<void(CLI::App&, Request&)>& add_flags,
             std::function<std::string(const Response&)> show) {
  struct Flags {
    ConnectionFlags connection;
    Request request;
  };
  const auto flags = std::make_shared<Flags>();
  CLI::App& command = *admin.add_subcommand(name, what);
  AddAdminFlags(command, flags->connection);
  add_flags(command, flags->request);
  command.callback([flags, method, show, &chosen] {
    chosen = [=] { return Call(flags->connection, method, flags->request, show); };
  });
}

template <typename Request>
void NoFlags(CLI::App& /*command*/, Request& /*request*/) {}

template <typename Request>
void AddName(CLI::App& command, Request& request) {
  command
      .add_option_function<std::string>(
          "task", [&request](const std::string& name) { request.set_name(name); }, "its name")
      ->required();
}

template <typename Request>
void AddVersion(CLI::App& command, Request& request, const char* what) {
  command.add_option_function<uint32_t>(
      "--version", [&request](uint32_t version) { request.set_version(version); }, what);
}

void AddLoad(CLI::App& admin, Chosen& chosen) {
  AddCall<v1::LoadTaskRequest, v1::LoadTaskResponse>(
      admin, chosen, "load", "read a task anew from the server's folder and serve it",
      &Stub::LoadTask,
      [](CLI::App& command, v1::LoadTaskRequest& request) {
        AddName(command, request);
        AddVersion(command, request, "without it the highest");
        command.add_flag_callback(
            "--make-default", [&request] { request.set_make_default(true); },
            "what calls get that name no version");
        command.add_flag_callback(
            "--validate-only", [&request] { request.set_validate_only(true); },
            "look at the files, change nothing");
      },
      [](const v1::LoadTaskResponse& response) { return TasksReport({response.task()}); });
}

void AddUnload(CLI::App& admin, Chosen& chosen) {
  AddCall<v1::UnloadTaskRequest, v1::UnloadTaskResponse>(
      admin, chosen, "unload", "serve a task no longer", &Stub::UnloadTask,
      [](CLI::App& command, v1::UnloadTaskRequest& request) {
        AddName(command, request);
        AddVersion(command, request, "without it all");
      },
      [](const v1::UnloadTaskResponse& /*response*/) { return std::string("unloaded\n"); });
}

void AddScan(CLI::App& admin, Chosen& chosen) {
  AddCall<v1::ScanTasksRequest, v1::ScanTasksResponse>(
      admin, chosen, "scan", "look at the server's folder of tasks now", &Stub::ScanTasks,
      NoFlags<v1::ScanTasksRequest>, ScanReportText);
}

void AddSetDefault(CLI::App& admin, Chosen& chosen) {
  AddCall<v1::SetDefaultVersionRequest, v1::SetDefaultVersionResponse>(
      admin, chosen, "set-default", "which version calls get that name none",
      &Stub::SetDefaultVersion,
      [](CLI::App& command, v1::SetDefaultVersionRequest& request) {
        AddName(command, request);
        AddVersion(command, request, "without it the highest that is loaded");
      },
      [](const v1::SetDefaultVersionResponse& /*response*/) { return std::string("set\n"); });
}

void AddPolicyFlags(CLI::App& command, v1::SetDepthPolicyRequest& request) {
  command
      .add_option_function<std::string>(
          "task", [&request](const std::string& name) { request.set_task(name); }, "its name")
      ->required();
  command
      .add_option_function<float>(
          "--quality-floor", [&request](float floor) { request.set_quality_floor(floor); },
          "least score(n) / score(0) that the server may choose by itself")
      ->check(CLI::Range(0.0, 1.0));
  command.add_option_function<uint32_t>(
      "--default-skip-layers", [&request](uint32_t n) { request.set_default_skip_layers(n); },
      "n of a call that names none");
  command
      .add_option_function<std::string>(
          "--brownout", [&request](const std::string& word) { request.set_brownout(word == "on"); },
          "on or off: whether n may rise when the queue is long")
      ->check(CLI::IsMember({"on", "off"}).description(""));
  command
      .add_option_function<float>(
          "--shadow-ratio", [&request](float ratio) { request.set_shadow_ratio(ratio); },
          "share of answers at an automatic n that are compared with n = 0")
      ->check(CLI::Range(0.0, 1.0));
}

void AddDepthPolicy(CLI::App& admin, Chosen& chosen) {
  AddCall<v1::SetDepthPolicyRequest, v1::SetDepthPolicyResponse>(
      admin, chosen, "depth-policy",
      "how the server may choose n for a task until it ends; what is not given stays",
      &Stub::SetDepthPolicy, AddPolicyFlags, [](const v1::SetDepthPolicyResponse& response) {
        return DepthPolicyReport(response.policy());
      });
}

void AddClearCache(CLI::App& admin, Chosen& chosen) {
  AddCall<v1::ClearCacheRequest, v1::ClearCacheResponse>(
      admin, chosen, "clear-cache", "make the server forget what it kept of earlier texts",
      &Stub::ClearCache, NoFlags<v1::ClearCacheRequest>,
      [](const v1::ClearCacheResponse& /*response*/) { return std::string("caches cleared\n"); });
}

void AddDrain(CLI::App& admin, Chosen& chosen) {
  AddCall<v1::DrainRequest, v1::DrainResponse>(
      admin, chosen, "drain", "take no new calls; returns when those accepted are answered",
      &Stub::Drain, NoFlags<v1::DrainRequest>, [](const v1::DrainResponse& /*response*/) {
        return std::string("every call accepted has been answered\n");
      });
}

}  // namespace

void AddAdminCommand(CLI::App& app, Chosen& chosen) {
  CLI::App& admin = *app.add_subcommand("admin", "for the operator, over the server's admin port");
  admin.require_subcommand(1);
  AddLoad(admin, chosen);
  AddUnload(admin, chosen);
  AddScan(admin, chosen);
  AddSetDefault(admin, chosen);
  AddDepthPolicy(admin, chosen);
  AddClearCache(admin, chosen);
  AddDrain(admin, chosen);
}

}  // namespace fathom
