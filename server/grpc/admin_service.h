// AdminService over gRPC's callback API.
#pragma once

#include "fathom/v1/admin_service.grpc.pb.h"
#include "runtime/engine.h"

namespace fathom {

// Thread-safe.
class AdminServiceImpl : public v1::AdminService::CallbackService {
 public:
  // `engine` must outlive the service.
  explicit AdminServiceImpl(Engine* engine) : engine_(engine) {}

  grpc::ServerUnaryReactor* ClearCache(grpc::CallbackServerContext* context,
                                       const v1::ClearCacheRequest* request,
                                       v1::ClearCacheResponse* response) override;

 private:
  Engine* const engine_;
};

}  // namespace fathom
