// AdminService over gRPC's callback API. What may take long runs on one thread of its own, so that
// clients' calls go on meanwhile.
#pragma once

#include <functional>

#include "absl/status/statusor.h"
#include "fathom/v1/admin_service.grpc.pb.h"
#include "runtime/engine.h"
#include "server/depth/server_depth_chooser.h"
#include "server/depth/task_depth_policies.h"
#include "server/grpc/admin_thread.h"
#include "server/grpc/bearer_token.h"

namespace fathom {

// What the service works on. The pointers must outlive it.
struct AdminDeps {
  Engine* engine = nullptr;
  TaskDepthPolicies* policies = nullptr;
  ServerDepthChooser* depths = nullptr;
  // Refuses new calls and returns when every accepted one is answered. May be called again.
  std::function<void()> drain;
  BearerToken token;
};

// Raw methods hand over bytes, which ParseMessage reads (server/grpc/parse.h says why).
using AdminServiceBase = v1::AdminService::WithRawCallbackMethod_LoadTask<
    v1::AdminService::WithRawCallbackMethod_UnloadTask<
        v1::AdminService::WithRawCallbackMethod_ScanTasks<
            v1::AdminService::WithRawCallbackMethod_SetDefaultVersion<
                v1::AdminService::WithRawCallbackMethod_SetDepthPolicy<
                    v1::AdminService::WithRawCallbackMethod_ClearCache<
                        v1::AdminService::WithRawCallbackMethod_Drain<
                            v1::AdminService::Service>>>>>>>;

// Thread-safe.
class AdminServiceImpl : public AdminServiceBase {
 public:
  explicit AdminServiceImpl(AdminDeps deps) : deps_(std::move(deps)) {}

  grpc::ServerUnaryReactor* LoadTask(grpc::CallbackServerContext* context,
                                     const grpc::ByteBuffer* request,
                                     grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* UnloadTask(grpc::CallbackServerContext* context,
                                       const grpc::ByteBuffer* request,
                                       grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* ScanTasks(grpc::CallbackServerContext* context,
                                      const grpc::ByteBuffer* request,
                                      grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* SetDefaultVersion(grpc::CallbackServerContext* context,
                                              const grpc::ByteBuffer* request,
                                              grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* SetDepthPolicy(grpc::CallbackServerContext* context,
                                           const grpc::ByteBuffer* request,
                                           grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* ClearCache(grpc::CallbackServerContext* context,
                                       const grpc::ByteBuffer* request,
                                       grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* Drain(grpc::CallbackServerContext* context,
                                  const grpc::ByteBuffer* request,
                                  grpc::ByteBuffer* response) override;

 private:
  template <typename Request, typename Response>
  grpc::ServerUnaryReactor* Answer(
      grpc::CallbackServerContext* context, const grpc::ByteBuffer& bytes,
      grpc::ByteBuffer* response,
      absl::StatusOr<Response> (AdminServiceImpl::*work)(const Request&));

  // On the thread. Errors name the field or the task.
  absl::StatusOr<v1::LoadTaskResponse> Load(const v1::LoadTaskRequest& request);
  absl::StatusOr<v1::UnloadTaskResponse> Unload(const v1::UnloadTaskRequest& request);
  absl::StatusOr<v1::ScanTasksResponse> Scan(const v1::ScanTasksRequest& request);
  absl::StatusOr<v1::SetDefaultVersionResponse> SetDefault(
      const v1::SetDefaultVersionRequest& request);
  absl::StatusOr<v1::SetDepthPolicyResponse> SetPolicy(const v1::SetDepthPolicyRequest& request);
  absl::StatusOr<v1::ClearCacheResponse> Clear(const v1::ClearCacheRequest& request);
  absl::StatusOr<v1::DrainResponse> DrainAll(const v1::DrainRequest& request);

  const AdminDeps deps_;
  AdminThread thread_;  // last: what it does uses the members above
};

}  // namespace fathom
