#include "server/grpc/admin_service.h"

namespace fathom {

grpc::ServerUnaryReactor* AdminServiceImpl::ClearCache(grpc::CallbackServerContext* context,
                                                       const v1::ClearCacheRequest* /*request*/,
                                                       v1::ClearCacheResponse* /*response*/) {
  engine_->ClearCaches();
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  reactor->Finish(grpc::Status::OK);
  return reactor;
}

}  // namespace fathom
