#include "server/grpc/admin_service.h"

#include <spdlog/spdlog.h>

#include <limits>
#include <string>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "server/grpc/depth_policy_message.h"
#include "server/grpc/errors.h"
#include "server/grpc/parse.h"
#include "server/grpc/status.h"
#include "server/grpc/task_list.h"
#include "server/tasks/scan_log.h"

namespace fathom {
namespace {

absl::StatusOr<int> ToVersion(uint32_t version) {
  constexpr int kMax = std::numeric_limits<int>::max();
  if (version <= static_cast<uint32_t>(kMax)) return static_cast<int>(version);
  return InvalidField("version", absl::StrCat("is ", version, ", the limit is ", kMax));
}

// An engine's error about the task that a call names.
absl::Status AboutTask(const std::string& name, const absl::Status& status) {
  return AtTask(name, AtField("name", status));
}

}  // namespace

// Refuses at once, or does `work` on the thread and answers.
template <typename Request, typename Response>
grpc::ServerUnaryReactor* AdminServiceImpl::Answer(
    grpc::CallbackServerContext* context, const grpc::ByteBuffer& bytes, grpc::ByteBuffer* response,
    absl::StatusOr<Response> (AdminServiceImpl::*work)(const Request&)) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  Request request;
  absl::Status status = deps_.token.Check(*context);
  if (status.ok()) status = ParseMessage(bytes, &request);
  if (status.ok()) {
    status = thread_.Post([this, context, reactor, response, work, request = std::move(request)] {
      absl::StatusOr<Response> made = absl::CancelledError("the client has gone");
      if (!context->IsCancelled()) made = (this->*work)(request);
      if (made.ok()) *response = SerializeMessage(*made);
      reactor->Finish(ToGrpcStatus(made.status()));
    });
  }
  if (!status.ok()) reactor->Finish(ToGrpcStatus(status));
  return reactor;
}

absl::StatusOr<v1::LoadTaskResponse> AdminServiceImpl::Load(const v1::LoadTaskRequest& request) {
  const absl::StatusOr<int> version = ToVersion(request.version());
  if (!version.ok()) return version.status();
  const auto task = deps_.engine->LoadTask(
      request.name(), *version,
      {.make_default = request.make_default(), .validate_only = request.validate_only()});
  if (absl::IsFailedPrecondition(task.status())) {
    spdlog::warn("admin: {}", absl::Utf8SafeCEscape(std::string(task.status().message())));
  }
  if (!task.ok()) return AboutTask(request.name(), task.status());
  if (!request.validate_only()) LogScan({.loaded = {{task->name, task->version}}});
  v1::LoadTaskResponse response;
  *response.mutable_task() = MakeTaskInfo(*deps_.engine, *deps_.policies, *task);
  return response;
}

absl::StatusOr<v1::UnloadTaskResponse> AdminServiceImpl::Unload(
    const v1::UnloadTaskRequest& request) {
  const absl::StatusOr<int> version = ToVersion(request.version());
  if (!version.ok()) return version.status();
  const absl::Status status = deps_.engine->UnloadTask(request.name(), *version);
  if (!status.ok()) return AboutTask(request.name(), status);
  spdlog::info(
      "admin: task {} {} is unloaded", request.name(),
      *version == 0 ? std::string("with all versions") : absl::StrCat("version ", *version));
  return v1::UnloadTaskResponse();
}

absl::StatusOr<v1::ScanTasksResponse> AdminServiceImpl::Scan(
    const v1::ScanTasksRequest& /*request*/) {
  const absl::StatusOr<ScanReport> report = deps_.engine->ScanTasks();
  if (!report.ok()) return report.status();
  LogScan(*report);
  v1::ScanTasksResponse response;
  const auto set = [](const auto& task, v1::TaskInfo* out) {
    out->set_name(task.name);
    out->set_version(static_cast<uint32_t>(task.version));
  };
  for (const TaskVersion& task : report->loaded) set(task, response.add_loaded());
  for (const TaskVersion& task : report->unloaded) set(task, response.add_unloaded());
  for (const TaskInfo& task : report->refused) {
    v1::TaskInfo* refused = response.add_refused();
    set(task, refused);
    *refused->mutable_load_error() = ToRpcStatus(task.load_status);
  }
  return response;
}

absl::StatusOr<v1::SetDefaultVersionResponse> AdminServiceImpl::SetDefault(
    const v1::SetDefaultVersionRequest& request) {
  const absl::StatusOr<int> version = ToVersion(request.version());
  if (!version.ok()) return version.status();
  const absl::Status status = deps_.engine->SetDefaultVersion(request.name(), *version);
  if (!status.ok()) return AboutTask(request.name(), status);
  spdlog::info("admin: the default version of task {} is {}", request.name(),
               *version == 0 ? std::string("the highest") : absl::StrCat(*version));
  return v1::SetDefaultVersionResponse();
}

absl::StatusOr<v1::SetDepthPolicyResponse> AdminServiceImpl::SetPolicy(
    const v1::SetDepthPolicyRequest& request) {
  const auto task = deps_.engine->FindTask(request.task(), 0);
  if (!task.ok()) return AtTask(request.task(), task.status());
  const TaskInfo& info = (*task)->info();
  const auto change = ToPolicyChange(request, deps_.engine->encoder().layers);
  if (!change.ok()) return change.status();
  const auto policy = deps_.policies->Change(info, *change);
  if (!policy.ok()) return policy.status();
  deps_.depths->ResetGuard(info.name);
  v1::SetDepthPolicyResponse response;
  *response.mutable_policy() = ToMessage(info, *policy);
  spdlog::info("admin: depth policy of {}", response.policy().ShortDebugString());
  return response;
}

absl::StatusOr<v1::ClearCacheResponse> AdminServiceImpl::Clear(
    const v1::ClearCacheRequest& /*request*/) {
  deps_.engine->ClearCaches();
  return v1::ClearCacheResponse();
}

absl::StatusOr<v1::DrainResponse> AdminServiceImpl::DrainAll(const v1::DrainRequest& /*request*/) {
  spdlog::info("admin: draining");
  deps_.drain();
  spdlog::info("admin: every call accepted has been answered");
  return v1::DrainResponse();
}

grpc::ServerUnaryReactor* AdminServiceImpl::LoadTask(grpc::CallbackServerContext* context,
                                                     const grpc::ByteBuffer* request,
                                                     grpc::ByteBuffer* response) {
  return Answer(context, *request, response, &AdminServiceImpl::Load);
}

grpc::ServerUnaryReactor* AdminServiceImpl::UnloadTask(grpc::CallbackServerContext* context,
                                                       const grpc::ByteBuffer* request,
                                                       grpc::ByteBuffer* response) {
  return Answer(context, *request, response, &AdminServiceImpl::Unload);
}

grpc::ServerUnaryReactor* AdminServiceImpl::ScanTasks(grpc::CallbackServerContext* context,
                                                      const grpc::ByteBuffer* request,
                                                      grpc::ByteBuffer* response) {
  return Answer(context, *request, response, &AdminServiceImpl::Scan);
}

grpc::ServerUnaryReactor* AdminServiceImpl::SetDefaultVersion(grpc::CallbackServerContext* context,
                                                              const grpc::ByteBuffer* request,
                                                              grpc::ByteBuffer* response) {
  return Answer(context, *request, response, &AdminServiceImpl::SetDefault);
}

grpc::ServerUnaryReactor* AdminServiceImpl::SetDepthPolicy(grpc::CallbackServerContext* context,
                                                           const grpc::ByteBuffer* request,
                                                           grpc::ByteBuffer* response) {
  return Answer(context, *request, response, &AdminServiceImpl::SetPolicy);
}

grpc::ServerUnaryReactor* AdminServiceImpl::ClearCache(grpc::CallbackServerContext* context,
                                                       const grpc::ByteBuffer* request,
                                                       grpc::ByteBuffer* response) {
  return Answer(context, *request, response, &AdminServiceImpl::Clear);
}

grpc::ServerUnaryReactor* AdminServiceImpl::Drain(grpc::CallbackServerContext* context,
                                                  const grpc::ByteBuffer* request,
                                                  grpc::ByteBuffer* response) {
  return Answer(context, *request, response, &AdminServiceImpl::DrainAll);
}

}  // namespace fathom
